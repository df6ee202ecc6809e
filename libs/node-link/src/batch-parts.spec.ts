import fc from 'fast-check';
import { KvsError, type ItemFailure } from '@kvs/protocol';
import { TransportError, type TransportFailure } from '@kvs/router/transport';
import { splitBatch, sendParts, type BatchPart } from './batch-parts.js';

describe('parts', () => {
  it('are all items in their order, none too large unless it is one item', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(20)),
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 1, max: 9 }),
        (items, maxBytes, maxItems) => {
          const partitions = items.map((item) => item + 1);
          const parts = splitBatch(items, partitions, (item) => item, maxBytes, maxItems);
          expect(parts.flatMap((part) => part.items)).toEqual(items);
          expect(parts.flatMap((part) => part.partitions)).toEqual(partitions);
          for (const part of parts) {
            expect(part.weight).toBe(part.items.reduce((sum, item) => sum + item, 0));
            expect(part.weight <= maxBytes || part.items.length === 1).toBe(true);
            expect(part.items.length).toBeLessThanOrEqual(maxItems);
            expect(part.items.length > 0 || items.length === 0).toBe(true);
          }
        },
      ),
    );
  });

  it('may have as many bytes as a part may have', () => {
    expect(splitBatch([4, 6, 1], [0, 0, 0], (item) => item, 10).map(({ items }) => items)).toEqual([
      [4, 6],
      [1],
    ]);
  });

  const failureOf = ({ failure }: TransportError): ItemFailure => ({
    ok: false,
    code: 'node_unavailable',
    message: failure,
  });
  const part = <T>(...items: T[]): BatchPart<T> => ({ items, partitions: items.map(() => 0), weight: 1 });
  /** Each part is one of those that come to an end, by name. */
  const send = (...ends: readonly (TransportFailure | 'done')[]) =>
    sendParts(
      ends.map((end) => part(end, end)),
      async ({ items: [end = 'done'] }) => {
        if (end !== 'done') throw new TransportError(end, 'why');
        return Promise.resolve([end, end]);
      },
      failureOf,
    );

  it('fail for themselves where others do not', async () => {
    const failed = { ok: false, code: 'node_unavailable' };
    expect(await send('broken', 'done', 'unconnected')).toMatchObject([
      { ...failed, message: 'broken' },
      { ...failed, message: 'broken' },
      ...['done', 'done'],
      { ...failed, message: 'unconnected' },
      { ...failed, message: 'unconnected' },
    ]);
  });

  it.each<[TransportFailure, TransportFailure[]]>([
    ['unconnected', ['unconnected', 'unconnected']],
    ['broken', ['unconnected', 'broken', 'unconnected']],
    ['timeout', ['timeout', 'broken', 'unconnected']],
  ])('fail together as %s when they are %j', async (failure, ends) => {
    await expect(send(...ends)).rejects.toMatchObject({ failure });
  });

  it('are not sent any more once all of a group have timed out', async () => {
    let sent = 0;
    const ends = ['done', 'timeout', 'timeout', 'done', 'timeout', 'timeout', 'done'] as const;
    const outcomes = await sendParts(
      ends.map((end) => part(end)),
      async ({ items: [end = 'done'] }) => {
        sent++;
        if (end !== 'done') throw new TransportError(end, 'why');
        return Promise.resolve([end]);
      },
      failureOf,
      2,
    );
    expect(sent).toBe(6);
    expect(outcomes.map((outcome) => (outcome === 'done' ? outcome : outcome.message))).toEqual([
      'done',
      'timeout',
      'timeout',
      'done',
      ...Array<string>(3).fill('timeout'),
    ]);
  });

  it('go so many at a time, and none after one that failed for another reason than the network', async () => {
    const sent: number[] = [];
    const refusal = new KvsError('answer_too_large', 'why');
    const sending = sendParts(
      [0, 1, 2, 3, 4].map((n) => part(n)),
      async ({ items: [n = 0] }) => {
        sent.push(n);
        await Promise.resolve();
        if (n === 3) throw refusal;
        return [n];
      },
      failureOf,
      2,
    );
    expect(sent).toEqual([0, 1]);
    await expect(sending).rejects.toBe(refusal);
    expect(sent).toEqual([0, 1, 2, 3]);
  });

  it('do not hide a defect', async () => {
    const defect = new TypeError('a defect');
    const sent = sendParts(
      [part(1), part(2)],
      ({ items: [n] }) => (n === 1 ? Promise.resolve([n]) : Promise.reject(defect)),
      failureOf,
    );
    await expect(sent).rejects.toBe(defect);
  });
});

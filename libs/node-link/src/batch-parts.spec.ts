import fc from 'fast-check';
import { KvsError, type ItemFailure } from '@kvs/protocol';
import { TransportError, type TransportFailure } from '@kvs/router';
import { splitBatch, sendParts } from './batch-parts.js';

describe('parts', () => {
  it('are all items in their order, none too large unless it is one item', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20)), fc.integer({ min: 1, max: 30 }), (items, maxBytes) => {
        const parts = splitBatch(items, (item) => item, maxBytes);
        expect(parts.flat()).toEqual(items);
        for (const part of parts) {
          const weight = part.reduce((sum, item) => sum + item, 0);
          expect(weight <= maxBytes || part.length === 1).toBe(true);
        }
      }),
    );
  });

  const failureOf = ({ failure }: TransportError): ItemFailure => ({
    ok: false,
    code: 'node_unavailable',
    message: failure,
  });
  /** Each part is one of those that come to an end, by name. */
  const send = (...ends: readonly (TransportFailure | 'done')[]) =>
    sendParts(
      ends.map((end) => [end, end]),
      async ([end = 'done']) => {
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

  it('go so many at a time, and none after one that failed for another reason than the network', async () => {
    const sent: number[] = [];
    const refusal = new KvsError('answer_too_large', 'why');
    const sending = sendParts(
      [[0], [1], [2], [3], [4]],
      async ([n = 0]) => {
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
      [[1], [2]],
      ([n]) => (n === 1 ? Promise.resolve([n]) : Promise.reject(defect)),
      failureOf,
    );
    await expect(sent).rejects.toBe(defect);
  });
});

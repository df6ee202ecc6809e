import { isComplete, parseSlotRanges } from './slot-ranges.js';

const ASKED = { host: 'asked', port: 6379 };

describe('the slots of a Cluster', () => {
  it('are those of the masters', () => {
    const reply = [
      [0, 100, [Buffer.from('10.0.0.1'), 7000, Buffer.from('id')], [Buffer.from('10.0.0.2'), 7001]],
      [101, 16_383, [Buffer.from('10.0.0.3'), 7002]],
    ];
    expect(parseSlotRanges(reply, ASKED)).toEqual([
      { first: 0, last: 100, owner: { host: '10.0.0.1', port: 7000 } },
      { first: 101, last: 16_383, owner: { host: '10.0.0.3', port: 7002 } },
    ]);
  });

  it.each([null, Buffer.from(''), Buffer.from('?')])(
    'of a server without a name (%p) are of the one asked',
    (host) => {
      expect(parseSlotRanges([[0, 1, [host, 7000]]], ASKED)[0]?.owner).toEqual({ host: 'asked', port: 7000 });
    },
  );

  it('are complete if every slot has an owner', () => {
    const ranges = (middle: number) => [
      { first: 0, last: middle, owner: ASKED },
      { first: 101, last: 16_383, owner: ASKED },
    ];
    expect([isComplete(ranges(100)), isComplete(ranges(99)), isComplete([])]).toEqual([true, false, false]);
  });

  const master = [null, 7000];
  it.each([
    null,
    'OK',
    [1],
    [[0, 1]],
    [[0, 1, [null, 'x']]],
    [['0', 1, master]],
    [[-1, 1, master]],
    [[0, 16_384, master]],
  ])('cannot be read from %p', (reply) => {
    expect(() => parseSlotRanges(reply, ASKED)).toThrow('of an unknown form');
  });
});

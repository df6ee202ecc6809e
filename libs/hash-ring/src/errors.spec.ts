import { HashRing, HashRingError, type HashRingErrorCode } from './index.js';

const ring = new HashRing(['a', 'b']);

describe('an invalid call', () => {
  it.each<[string, HashRingErrorCode, () => unknown]>([
    ['an empty list', 'no_nodes', () => new HashRing([])],
    ['the removal of the last node', 'no_nodes', () => ring.without('a').without('b')],
    ['an empty id', 'invalid_node', () => new HashRing([''])],
    ['a node without an id', 'invalid_node', () => new HashRing(JSON.parse('[{"weight":1}]'))],
    ['a node that is null', 'invalid_node', () => new HashRing(JSON.parse('[null]'))],
    ['two nodes of one id', 'duplicate_node', () => new HashRing(['a', 'b', { id: 'a', weight: 2 }])],
    ['a node that is there already', 'duplicate_node', () => ring.with('a')],
    ['a weight of 0', 'invalid_weight', () => new HashRing([{ id: 'a', weight: 0 }])],
    ['a negative weight', 'invalid_weight', () => ring.with({ id: 'c', weight: -1 })],
    ['a weight that is no number', 'invalid_weight', () => ring.withWeight('a', NaN)],
    ['an infinite weight', 'invalid_weight', () => ring.withWeight('a', Infinity)],
    ['a weight below 2⁻³²', 'invalid_weight', () => ring.withWeight('a', 2 ** -33)],
    ['a weight above 2³²', 'invalid_weight', () => ring.withWeight('a', 2 ** 32 + 1)],
    [
      'more nodes than partitions',
      'too_many_nodes',
      () => new HashRing(Array.from({ length: 4097 }, (_, n) => `${n}`)),
    ],
    ['the removal of a stranger', 'unknown_node', () => ring.without('c')],
    ['the weight of a stranger', 'unknown_node', () => ring.withWeight('c', 1)],
    ['the partitions of a stranger', 'unknown_node', () => ring.partitionsOf('c')],
    // @ts-expect-error as plain JavaScript may call it
    ['a hash that is no function', 'invalid_option', () => new HashRing(['a'], { hash: 5 })],
    ['partition 4096', 'invalid_partition', () => ring.owner(4096)],
    ['partition -1', 'invalid_partition', () => ring.owner(-1)],
    ['partition 0.5', 'invalid_partition', () => ring.owner(0.5)],
  ])('%s: %s', (_, code, act) => {
    expect(act).toThrow(HashRingError);
    expect(act).toThrow(expect.objectContaining({ code, name: 'HashRingError' }));
  });
});

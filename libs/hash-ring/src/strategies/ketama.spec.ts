import { readFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { idsOf } from '../../test/arbitraries.js';
import { KetamaRing, type KetamaOptions, type NodeSpec } from '../index.js';
import { md5 } from './md5.js';

interface HashringVectors {
  readonly keys: string[];
  readonly vectors: {
    readonly name: string;
    /** `id weight` */
    readonly nodes: string[];
    readonly options: { hashCount?: number; pointsPerHash?: number };
    /** For each key the places, in `nodes`, of three distinct nodes. */
    readonly replicas: string;
  }[];
}

const { keys, vectors }: HashringVectors = JSON.parse(read('hashring.json'));
const libmemcached = read('libmemcached.txt')
  .split('\n')
  .filter((line) => /^\d/.test(line));

describe('ketama', () => {
  it.each(vectors.map((vector) => [vector.name, vector] as const))(
    'places %s as hashring does',
    (_, vector) => {
      const nodes = vector.nodes.map((line) => {
        const [id = '', weight] = line.split(' ');
        return { id, weight: Number(weight) };
      });
      const ring = new KetamaRing(nodes, { ...vector.options, rounding: 'hashring' });
      const places = new Map(ring.nodes.map((node, place) => [node, place]));
      const replicas = keys.map((key) => ring.getN(key, 3).map((node) => places.get(node)));
      expect(replicas.map((each) => each.join('-')).join(' ')).toBe(vector.replicas);
      expect(keys.map((key) => places.get(ring.get(key)))).toEqual(replicas.map(([first]) => first));
    },
  );

  it('places keys as libmemcached does, at every number of nodes and with any weights', () => {
    const places = libmemcached.map((line) => {
      const [, port = 0, ...weights] = line.split(' ').map(Number);
      const nodes = weights.map((weight, index) => {
        const host = `10.0.0.${index}`;
        return { id: port === DEFAULT_PORT ? host : `${host}:${port}`, weight, index };
      });
      const ring = new KetamaRing<{ index: number }>(nodes);
      let checksum = 0;
      for (let n = 0; n < 1000; n++) {
        checksum = (Math.imul(31, checksum) + ring.get(`user:${7919 * n}`).index) >>> 0;
      }
      return [checksum, port, ...weights].join(' ');
    });
    expect(places).toHaveLength(187);
    expect(places).toEqual(libmemcached);
  });

  it.each([4, 6, 13, 27, 48])(
    'moves between %i equal nodes only what one more receives, which by rounding of hashring it does not',
    (count) => {
      expect(strayed(count, {})).toBe(0);
      if (count > 4) expect(strayed(count, { rounding: 'hashring' })).toBeGreaterThan(0);
    },
  );

  it('with exact rounding, moves keys only to the added node, at every number of equal nodes', () => {
    for (let count = 1; count < 60; count++) expect(strayed(count, { rounding: 'exact' })).toBe(0);
    expect(strayed(24, { rounding: 'libmemcached' })).toBeGreaterThan(0);
  });
});

/** How many of some keys one node more moves between `count` nodes that were there. */
function strayed(count: number, options: KetamaOptions): number {
  const before = new KetamaRing(idsOf(count), options);
  const after = before.with('new');
  return Array.from({ length: 300 }, (_, index) => `key-${index}`).filter((key) => {
    const { id } = after.get(key);
    return id !== 'new' && id !== before.get(key).id;
  }).length;
}

describe('ketama refuses', () => {
  const nodes = idsOf(3);
  it.each<[string, KetamaOptions]>([
    ...[0, -1, 1.5, NaN, Infinity, 2 ** 21].map((hashCount): [string, KetamaOptions] => [
      `a hashCount of ${hashCount}`,
      { hashCount },
    ]),
    ...[0, 5, 2.5, NaN, -Infinity].map((pointsPerHash): [string, KetamaOptions] => [
      `${pointsPerHash} points per hash`,
      { pointsPerHash },
    ]),
    ['a rounding that it does not know', JSON.parse('{ "rounding": "toString" }')],
    ['a hashCount that is text', JSON.parse('{ "hashCount": "40" }')],
  ])('%s', (_, options) => {
    expect(() => new KetamaRing(nodes, options)).toThrow(expect.objectContaining({ code: 'invalid_option' }));
  });

  it.each<[string, NodeSpec[], KetamaOptions]>([
    ['of two nodes of very different weight', weighted(1, 1000), {}],
    ['of nodes beside one that outweighs all', weighted(2 ** 32, 1, 2 ** -32), {}],
    [
      'of 49 nodes with one hash each, by rounding of hashring',
      weighted(...ones(49)),
      { hashCount: 1, rounding: 'hashring' },
    ],
    ['of 41 nodes with one hash each, by rounding of libmemcached', weighted(...ones(41)), { hashCount: 1 }],
  ])('a circle on which at most one node has points: %s', (_, unequal, options) => {
    expect(() => new KetamaRing(unequal, options)).toThrow(
      expect.objectContaining({ code: 'too_few_points' }),
    );
  });

  it('no circle on which two of several nodes have points', () => {
    const ring = new KetamaRing(weighted(1000, 1, 1000));
    expect(new Set(Array.from({ length: 100 }, (_, n) => ring.get(`key-${n}`).id)).size).toBe(2);
    expect(ring.getN('key', 3).map(({ id }) => id)).toContain('node-1');
  });
});

const DEFAULT_PORT = 11211;

function ones(count: number): number[] {
  return new Array<number>(count).fill(1);
}

function weighted(...weights: number[]): NodeSpec[] {
  return weights.map((weight, index) => ({ id: `node-${index}`, weight }));
}

function read(name: string): string {
  return readFileSync(new URL(`../../test/vectors/${name}`, import.meta.url), 'utf8');
}

describe('md5', () => {
  it.each([
    ['', 'd41d8cd98f00b204e9800998ecf8427e'],
    ['a', '0cc175b9c0f1b6a831c399e269772661'],
    ['abc', '900150983cd24fb0d6963f7d28e17f72'],
    ['message digest', 'f96b697d7cb7938d525a2f31aaf161d0'],
    ['abcdefghijklmnopqrstuvwxyz', 'c3fcd3d76192e4007dfb496cca67e13b'],
    ['ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', 'd174ab98d277d9f5a5611c2c9f419d9f'],
    ['1234567890'.repeat(8), '57edf4a22be3c955ac49da2e2107b67a'],
  ])('of %j is as RFC 1321 lists it', (text, digest) => {
    expect(hex(md5(text))).toBe(digest);
  });

  it('agrees with the platform on any bytes and any string', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.string({ unit: 'binary' })), (input) => {
        expect(hex(md5(input))).toBe(createHash('md5').update(input).digest('hex'));
      }),
    );
  });
});

function hex(words: readonly number[]): string {
  const bytes = new DataView(new ArrayBuffer(16));
  words.forEach((word, index) => bytes.setUint32(index * 4, word, true));
  return Buffer.from(bytes.buffer).toString('hex');
}

import { readFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { KetamaRing } from '../index.js';
import { md5 } from './md5.js';

interface Vectors {
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

const path = new URL('../../test/vectors/ketama.json', import.meta.url);
const { keys, vectors }: Vectors = JSON.parse(readFileSync(path, 'utf8'));

describe('ketama', () => {
  it.each(vectors.map((vector) => [vector.name, vector] as const))(
    'places %s as hashring does',
    (_, vector) => {
      const nodes = vector.nodes.map((line) => {
        const [id = '', weight] = line.split(' ');
        return { id, weight: Number(weight) };
      });
      const ring = new KetamaRing(nodes, vector.options);
      const places = new Map(ring.nodes.map((node, place) => [node, place]));
      const replicas = keys.map((key) => ring.getN(key, 3).map((node) => places.get(node)));
      expect(replicas.map((each) => each.join('-')).join(' ')).toBe(vector.replicas);
      expect(keys.map((key) => places.get(ring.get(key)))).toEqual(replicas.map(([first]) => first));
    },
  );

  it('moves between equal nodes only what a new one receives', () => {
    const before = new KetamaRing(['a', 'b', 'c', 'd']);
    const after = before.with('e');
    for (let n = 0; n < 2000; n++) {
      const { id } = after.get(`key-${n}`);
      expect(['e', before.get(`key-${n}`).id]).toContain(id);
    }
  });
});

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

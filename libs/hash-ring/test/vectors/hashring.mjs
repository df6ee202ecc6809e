/**
 * Writes hashring.json: where the npm package `hashring` (3.2.0) places keys, for `KetamaRing` with
 * `rounding: 'hashring'` to be held against. The package is no dependency of this workspace. To run it again:
 *
 *     npm install --prefix ../peer hashring@3.2.0
 *     node test/vectors/hashring.mjs ../peer/node_modules/hashring > test/vectors/hashring.json
 */
import { createRequire } from 'node:module';
import { resolve } from 'node:path';

const HashRing = createRequire(import.meta.url)(resolve(process.argv[2] ?? 'hashring'));

const servers = (count) =>
  Array.from({ length: count }, (_, index) => `10.0.${index >> 4}.${index & 15}:11211`);
const weights = (count) => Object.fromEntries(servers(count).map((id, index) => [id, 1 + (index % 4)]));

const rings = [
  { name: 'three nodes', nodes: ['localhost:3000', 'localhost:3001', 'localhost:3002'] },
  { name: 'ids that are not host and port', nodes: ['a', 'b', 'ä', '節点', '😀'] },
  { name: '10 nodes', nodes: servers(10) },
  { name: '49 nodes, where rounding costs each a hash', nodes: servers(49) },
  { name: '100 nodes, not in order', nodes: servers(100).reverse() },
  { name: '250 nodes', nodes: servers(250) },
  { name: 'weights', nodes: weights(7) },
  { name: 'weights of 60 nodes', nodes: weights(60) },
  { name: 'three points per hash', nodes: servers(10), options: { replicas: 3 }, pointsPerHash: 3 },
  { name: '10 hashes per node', nodes: servers(10), options: { 'vnode count': 10 }, hashCount: 10 },
];

const REPLICAS = 3;

const keys = [
  '',
  'ключ',
  '🔑',
  'a'.repeat(55),
  'a'.repeat(56),
  'a'.repeat(64),
  'a'.repeat(119),
  ...Array.from({ length: 100 }, (_, index) => `user:${index * 7919}`),
];

const vectors = rings.map(({ name, nodes, options, hashCount, pointsPerHash }) => {
  const ring = new HashRing(nodes, 'md5', options);
  const inputs = Array.isArray(nodes)
    ? nodes.map((id) => ({ id, weight: 1 }))
    : Object.entries(nodes).map(([id, weight]) => ({ id, weight }));
  const ids = inputs.map(({ id }) => id);
  return {
    name,
    nodes: inputs.map(({ id, weight }) => `${id} ${weight}`),
    options: { hashCount, pointsPerHash },
    owners: keys.map((key) => ids.indexOf(ring.get(key))).join(' '),
    replicas: keys
      .map((key) =>
        ring
          .range(key, REPLICAS)
          .map((id) => ids.indexOf(id))
          .join('-'),
      )
      .join(' '),
  };
});
process.stdout.write(`${JSON.stringify({ source: 'hashring 3.2.0', keys, vectors }, undefined, 1)}\n`);

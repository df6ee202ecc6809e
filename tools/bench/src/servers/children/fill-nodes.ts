import { childInput, childOutput } from '../../harness/in-child.js';
import { load } from '../ask.js';
import { fetchText, kvsDialect } from '../contenders/dialect.js';
import type { Filled, FillNodesInput } from '../fill-nodes.js';
import { pairsByNode } from '../owners.js';
import { randomPairs } from '../pairs.js';

const { addresses, drawn, from = 0, to = drawn, sampleCount } = childInput<FillNodesInput>();
const pairs = randomPairs(drawn).slice(0, to);
const written = pairs.slice(from);
const nodes = addresses.map((address) => ({ address }));
for (const { node, pairs: owned } of pairsByNode(nodes, written))
  await load({ name: node.address, origin: `http://${node.address}`, dialect: kvsDialect }, owned);

const step = Math.ceil(written.length / sampleCount);
childOutput({
  sample: written.filter((_pair, at) => at % step === 0),
  fetchBytes: fetchText(pairs).length,
} satisfies Filled);

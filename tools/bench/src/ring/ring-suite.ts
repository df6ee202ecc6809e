import { randomKeys } from '../harness/random.js';
import { reportOf, type Report } from '../harness/report.js';
import type { Suite } from '../harness/suite.js';
import { measureBuiltAnew } from './built-anew.js';
import { measureConstruction } from './construction.js';
import { measureLookups } from './lookups.js';
import { fullScale, quickScale, type RingScale } from './scale.js';
import { measureBalance, measureMovement } from './shares.js';
import { measureStrategies } from './strategies.js';

/** `@kvs/hash-ring` compared with other rings of npm. */
export const ringSuite: Suite = {
  name: 'ring',
  description: '@kvs/hash-ring compared with hashring, consistent-hash, node-hashring and ketama',
  run: ({ quick, progress }) => measureRing(quick ? quickScale : fullScale, progress),
};

export async function measureRing(scale: RingScale, progress: (message: string) => void): Promise<Report> {
  progress('lookups…');
  const lookups = await measureLookups(scale);
  progress('building rings…');
  const construction = await measureConstruction(scale);
  const keys = randomKeys(scale.countedKeyCount, 16, 1);
  progress('balance…');
  // With a thousand nodes, a node has four or five partitions, so the goal does not hold for the last count.
  const balance = measureBalance(scale.nodeCounts.slice(0, -1), keys);
  progress('movement…');
  const movement = measureMovement(scale.nodeCounts, keys);
  progress('strategies…');
  const strategies = await measureStrategies(scale, keys);
  const builtAnew = measureBuiltAnew(scale.evolvedNodeCounts, scale.nodeNameSets);
  return reportOf('ring', [lookups, construction, balance, movement, strategies, builtAnew]);
}

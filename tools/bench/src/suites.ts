import { clusterSuite } from './cluster/cluster-suite.js';
import { enginesSuite } from './engines/engines-suite.js';
import type { Suite } from './harness/suite.js';
import { redisSuite } from './redis/redis-suite.js';
import { ringSuite } from './ring/ring-suite.js';
import { scaleSuite } from './scale/scale-suite.js';
import { serversSuite } from './servers/servers-suite.js';

export const suites: readonly Suite[] = [
  ringSuite,
  enginesSuite,
  serversSuite,
  clusterSuite,
  redisSuite,
  scaleSuite,
];

import { hasEtcd } from '@kvs/topology-etcd/testing';
import type { FaultKind } from './faults/fault.js';
import { runChaos } from './run-chaos.js';

/** One fault after the other, of the kinds that differ most. A run of some minutes has the others. */
const KINDS: readonly FaultKind[] = ['kill', 'pause', 'cut', 'stall', 'mute', 'isolate', 'join', 'drain'];
const ROUNDS = KINDS.map((kind) => [kind]);

/** Each wait of a run is bounded; a busy machine needs longer for all of them. */
const TIMEOUT_MS = 1_200_000;

// Without etcd this test is skipped. CI requires it.
const withEtcd = hasEtcd() || process.env['KVS_REQUIRE_TOOLS'] === '1';
(withEtcd ? it : it.skip)(
  `a cluster of real processes keeps its promises under faults${withEtcd ? '' : ' (skipped: etcd is not on the PATH)'}`,
  async () => {
    const lines: string[] = [];
    const options = { seed: 1, copies: 3, faults: ROUNDS, log: (line: string) => lines.push(line) };
    const { findings, undecided, faults, results } = await runChaos(options);
    expect({ findings, lines: findings.length === 0 ? [] : lines }).toEqual({ findings: [], lines: [] });
    expect(undecided).toBe(0);
    expect([...faults.keys()].sort()).toEqual([...KINDS].sort());
    expect(results.get('set: set')).toBeGreaterThan(100);
  },
  TIMEOUT_MS,
);

import { boot, PlannedCluster } from '../testing/planned-cluster.js';
import type { StalledPartition } from '../planning/draft.js';
import type { Topology } from '../topology.js';
import { StateLog } from './state-log.js';

const { topology } = new PlannedCluster(2, [{ id: 'a' }, { id: 'b' }]);
const [a, b] = [boot('a'), boot('b')];

let nowMs: number;
let lines: string[];
let log: StateLog;

beforeEach(() => {
  nowMs = 0;
  lines = [];
  const add = (_: object, message: string) => void lines.push(message);
  log = new StateLog({
    log: { info: add, warn: add },
    timers: { nowMs: () => nowMs, wallMs: () => nowMs, after: () => () => undefined },
  });
});

/** Returns the lines that the log has after a second in which so many partitions lack copies. */
function lacking(count: number): string[] {
  nowMs += 1000;
  const partitions: Topology['partitions'] = topology.partitions.map((entry, partition) => ({
    ...entry,
    primary: a,
    inSync: partition < count ? [a] : [a, b],
  }));
  log.note({ ...topology, partitions }, { stalled: [], missing: [] });
  return lines.splice(0);
}

it('the number of partitions that lack copies is told once it has stopped growing', () => {
  const wait = (count: number) => Array.from({ length: 5 }, () => count);
  expect([501, 1100, ...wait(1371)].flatMap(lacking)).toEqual([]);
  expect(lacking(1371)).toEqual(['1371 partitions lack copies']);
  expect([1000, 1300, ...wait(1300)].flatMap(lacking)).toEqual([]);
  expect([1400, ...wait(1400)].flatMap(lacking)).toEqual(['1400 partitions lack copies']);
  expect([7, 0, 0].flatMap(lacking)).toEqual(['done: all partitions have all their copies']);
});

it('copies that lack for a moment are not told', () => {
  expect([0, 9, 3, 0, 0].flatMap(lacking)).toEqual([]);
});

it('a proxy that begins to lead a complete cluster tells nothing', () => {
  expect([0, 0, 0].flatMap(lacking)).toEqual([]);
});

it('nodes of the list that do not come are told once, and again if others are missing', () => {
  const missing = (...addresses: string[]) => {
    nowMs += 1000;
    log.note(topology, { stalled: [], missing: addresses });
    return lines.splice(0);
  };
  const told = (addresses: string) =>
    `the partitions are not assigned until nodes with these addresses join, which the proxy was given: ${addresses}`;
  expect([1, 2, 3, 4, 5].flatMap(() => missing('h:1', 'h:2'))).toEqual([]);
  expect(missing('h:1', 'h:2')).toEqual([told('h:1, h:2')]);
  expect(missing('h:1', 'h:2')).toEqual([]);
  expect(missing('h:2')).toEqual([told('h:2')]);
  expect([missing(), missing('h:2')].flat()).toEqual([]);
});

describe('partitions that nothing serves', () => {
  const stalled = (count: number, state: StalledPartition['state'], ...awaited: string[]) =>
    Array.from({ length: count }, (_, partition) => ({ partition, state, awaited: awaited.map(boot) }));
  const note = (...found: StalledPartition[]) => {
    log.note(topology, { stalled: found, missing: [] });
    return lines.splice(0);
  };

  it('are told when they begin, change and end', () => {
    const unavailable = stalled(3, 'unavailable', 'a');
    expect(note(...unavailable)).toEqual(['3 partitions are unavailable until a is back']);
    expect(note(...unavailable)).toEqual([]);
    expect(note(...unavailable, ...stalled(9, 'unavailable', 'b'))).toEqual([
      '12 partitions are unavailable until these are back: a, b',
    ]);
    expect(note()).toEqual(['no partition is unavailable any more']);
    expect(note()).toEqual([]);
  });

  it('are told with what would help, but not with all names of many', () => {
    expect(note(...stalled(2, 'lost'))).toEqual(['2 partitions are lost until you decide']);
    expect(note(...stalled(2, 'lost', 'a'))).toEqual([
      '2 partitions are lost until a is back, or you decide',
    ]);
    expect(note(...stalled(2, 'lost', '1', '2', '3', '4', '5', '6', '7'))).toEqual([
      '2 partitions are lost until these are back: 1, 2, 3, 4, 5 and 2 others, or you decide',
    ]);
  });
});

import { PlannedCluster } from '../testing/planned-cluster.js';
import { ShareLog } from './share-log.js';

/** Three nodes have two copies of all partitions, and the log says what it is told of changes. */
class LoggedCluster extends PlannedCluster {
  readonly lines: string[] = [];
  readonly #log = new ShareLog({
    log: {
      info: (_, message) => void this.lines.push(`${this.nowMs - this.#startMs} ms: ${message}`),
      warn: () => undefined,
    },
    timers: { nowMs: () => this.nowMs, wallMs: () => this.nowMs, after: () => () => undefined },
  });
  #startMs = 0;

  constructor() {
    super(2, [{ id: 'a' }, { id: 'b' }, { id: 'c' }]);
    this.settle();
    this.#startMs = this.nowMs;
  }

  /** Fills some learners each second, and notes the topology twice as often. */
  run(seconds: number): void {
    for (let second = 0; second < seconds; second++) {
      this.isFilled = (partition) => partition % 4 === second % 4;
      const { shares } = this.step(500);
      this.#log.note(this.topology, shares);
      this.nowMs += 500;
      this.#log.note(this.topology, shares);
    }
  }
}

it('a node that joins tells every 5 s how far it is, and once that it has its share', () => {
  const cluster = new LoggedCluster();
  cluster.run(2);
  expect(cluster.lines).toEqual([]);
  cluster.join({ id: 'd' });
  cluster.run(60);
  const progress = cluster.lines.slice(0, -1);
  expect(progress.length).toBeGreaterThanOrEqual(4);
  expect(progress.map((line) => Number.parseInt(line, 10))).toEqual(progress.map((_, i) => 2500 + 5000 * i));
  const counts = progress.map((line) =>
    Number(/ms: d is being filled: (\d+) of 2048 copies$/.exec(line)?.[1]),
  );
  expect(counts).toEqual(counts.toSorted((a, b) => a - b));
  expect(cluster.lines.at(-1)).toMatch(/ms: d has its share: \d+ copies$/);
});

it.each<[string, (cluster: LoggedCluster) => void]>([
  ['is drained', (cluster) => cluster.drain('d')],
  ['starts again without its pairs', (cluster) => void cluster.join({ id: 'd' })],
])('a node that %s before it has its share is not said to have it', (_, meet) => {
  const cluster = new LoggedCluster();
  cluster.join({ id: 'd' });
  cluster.run(10);
  meet(cluster);
  cluster.run(4);
  expect(cluster.lines.at(-1)).toContain('is being filled');
  expect(cluster.lines.join()).not.toContain('has its share');
});

import { Random, type Operation } from '@kvs-tools/cluster-simulation';
import { setTimeout } from 'node:timers/promises';
import { examine } from './examine.js';
import { RoundDrawer, type Targets } from './faults/draw-round.js';
import { faultText, type Fault, type FaultKind } from './faults/fault.js';
import { inflict } from './faults/inflict.js';
import { Clients } from './load/clients.js';
import { History } from './load/history.js';
import { readAll } from './load/operations.js';
import { ChaosCluster } from './servers/chaos-cluster.js';
import { untilHealed } from './until-healed.js';

export interface ChaosOptions {
  readonly seed: number;
  readonly copies: number;
  /** How long faults come, or the kinds of the faults of each round. */
  readonly faults: { readonly forMs: number } | readonly (readonly FaultKind[])[];
  /** Takes a line for each fault. */
  readonly log: (line: string) => void;
  /** Takes each line that a server writes. */
  readonly onLine?: (server: string, line: string) => void;
}

export interface ChaosReport {
  /** Each broken promise. */
  readonly findings: readonly string[];
  /** Keys for which the search for an order took too long. */
  readonly undecided: number;
  /** How many faults of each kind there were. */
  readonly faults: ReadonlyMap<FaultKind, number>;
  /** How many operations ended in each way. */
  readonly results: ReadonlyMap<string, number>;
  /** All operations on each key. */
  readonly history: ReadonlyMap<string, readonly Operation[]>;
}

/** Runs a cluster under load, inflicts faults, heals them, and checks the history. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { copies, onLine = () => undefined } = options;
  const cluster = await ChaosCluster.start({ copies, onLine });
  try {
    return await new ChaosRun(cluster, options).run();
  } finally {
    await cluster.stop();
  }
}

class ChaosRun {
  readonly #cluster: ChaosCluster;
  readonly #options: ChaosOptions;
  readonly #drawer: RoundDrawer;
  readonly #history = new History();
  readonly #findings: string[] = [];
  readonly #faults = new Map<FaultKind, number>();

  constructor(cluster: ChaosCluster, options: ChaosOptions) {
    this.#cluster = cluster;
    this.#options = options;
    this.#drawer = new RoundDrawer(new Random(options.seed).fork('faults'));
  }

  async run(): Promise<ChaosReport> {
    const clients = new Clients({
      origins: this.#origins,
      history: this.#history,
      random: new Random(this.#options.seed).fork('clients'),
      onDefect: (text) => this.#find(text),
    });
    try {
      for (const round of this.#rounds()) await this.#inflict(round);
    } catch (error) {
      this.#find(error instanceof Error ? `${error.message}${causeOf(error)}` : String(error));
    } finally {
      await clients.stop();
    }
    for (const origin of this.#origins()) await this.#readEverything(origin);
    const { findings, undecided } = examine(this.#history.byKey);
    const all = [...this.#findings, ...findings];
    const { byKey: history } = this.#history;
    return { findings: all, undecided, faults: this.#faults, results: countResults(history), history };
  }

  readonly #origins = (): string[] => this.#cluster.proxies.map(({ origin }) => origin);

  *#rounds(): Generator<Fault[]> {
    const { faults } = this.#options;
    if ('forMs' in faults) {
      while (this.#history.nowMs < faults.forMs) yield this.#drawer.next(this.#targets());
    } else {
      for (const kinds of faults) yield this.#drawer.draw(kinds, this.#targets());
    }
  }

  #targets(): Targets {
    const { nodes, proxies } = this.#cluster;
    return {
      nodes: [...nodes.keys()],
      proxies: proxies.map(({ name }) => name),
      copies: this.#options.copies,
    };
  }

  /** Inflicts the faults of a round, and waits until the cluster has healed. */
  async #inflict(round: readonly Fault[]): Promise<void> {
    const inflicted = round.map(async (fault) => {
      await setTimeout(fault.afterMs);
      this.#log(faultText(fault));
      this.#faults.set(fault.kind, (this.#faults.get(fault.kind) ?? 0) + 1);
      await inflict(fault, this.#cluster);
    });
    // All of them are over, also if one fails.
    await Promise.allSettled(inflicted);
    await Promise.all(inflicted);
    const overMs = this.#history.nowMs;
    await this.#cluster.untilWhole();
    this.#log(`  whole again ${((this.#history.nowMs - overMs) / 1000).toFixed(1)} s after the faults`);
  }

  /** Reads all keys through one proxy, as part of the history. */
  async #readEverything(origin: string): Promise<void> {
    const keys = [...this.#history.byKey.keys()];
    for (let at = 0; at < keys.length; at += BATCH) {
      let unread = keys.slice(at, at + BATCH);
      const read = async () => {
        const operations = unread.map((key) => this.#history.begin(key, { kind: 'read' }));
        const results = await readAll(origin, unread);
        for (const operation of operations) this.#history.end(operation, results.get(operation.key));
        unread = unread.filter((key) => !results.has(key));
        return unread.length === 0;
      };
      await untilHealed(read, () => `${unread.length} keys cannot be read`).catch((error: unknown) =>
        this.#find(String(error)),
      );
    }
  }

  #find(text: string): void {
    if (this.#findings.length < MAX_FINDINGS) this.#findings.push(text);
    this.#log(`FOUND ${text}`);
  }

  #log(text: string): void {
    this.#options.log(`${(this.#history.nowMs / 1000).toFixed(1).padStart(6)} s  ${text}`);
  }
}

function causeOf({ cause }: Error): string {
  return cause instanceof Error ? `: ${cause.message}` : '';
}

/** Returns how many operations ended in each way, such as `set` or `read unknown`. */
function countResults(history: ReadonlyMap<string, readonly Operation[]>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { act, result } of [...history.values()].flat()) {
    const kind = result === undefined ? 'unknown' : result.kind === 'refused' ? result.code : result.kind;
    const name = `${act.kind}: ${kind}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

const BATCH = 500;
const MAX_FINDINGS = 100;

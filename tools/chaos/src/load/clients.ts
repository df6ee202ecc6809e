import { setTimeout } from 'node:timers/promises';
import type { Act, Operation, Random } from '@kvs-tools/cluster-simulation';
import type { History } from './history.js';
import { operate } from './operations.js';

export interface ClientsOptions {
  /** The origins of the proxies at this moment. */
  readonly origins: () => readonly string[];
  readonly history: History;
  readonly random: Random;
  /** Called if an answer shows a defect. */
  readonly onDefect: (text: string) => void;
}

/**
 * Clients that read, write and delete the same keys through all proxies. A key gets a limited number of operations, so that its
 * history can be searched for an order; another key takes its place then. Clients still read it now and then.
 */
export class Clients {
  readonly #options: ClientsOptions;
  /** The keys in use, and the number of operations that each may still get. */
  readonly #keys: { name: string; left: number }[];
  /** The version of each key that was answered last, 0 if it was absent. */
  readonly #versions = new Map<string, number>();
  readonly #retired: string[] = [];
  readonly #running: Promise<void>[];
  #keyCount = 0;
  #valueCount = 0;
  #isStopped = false;

  constructor(options: ClientsOptions) {
    this.#options = options;
    this.#keys = Array.from({ length: KEYS }, () => this.#newKey());
    this.#running = Array.from({ length: CLIENTS }, (_, i) => this.#run(options.random.fork(`client ${i}`)));
  }

  /** Resolves when the last operation has ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#running);
  }

  async #run(random: Random): Promise<void> {
    while (!this.#isStopped) {
      const key = this.#pickKey(random);
      const isDone = await this.#do(
        key.name,
        key.isRetired ? { kind: 'read' } : this.#pickAct(key.name, random),
        random,
      );
      await setTimeout(isDone ? random.between(0, MAX_PAUSE_MS) : PAUSE_AFTER_FAILURE_MS);
    }
  }

  /** @returns whether there was an answer that tells what was done */
  async #do(key: string, act: Act, random: Random): Promise<boolean> {
    const { history, origins, onDefect } = this.#options;
    const origin = random.pick(origins()) ?? '';
    const operation = history.begin(key, act);
    try {
      history.end(operation, await operate(origin, key, act));
    } catch (error) {
      onDefect(error instanceof Error ? error.message : String(error));
    }
    this.#learn(operation);
    return operation.result !== undefined && operation.result.kind !== 'refused';
  }

  #learn({ key, result }: Operation): void {
    if (result?.kind === 'set' || result?.kind === 'found') this.#versions.set(key, result.version);
    else if (result?.kind === 'absent' || result?.kind === 'deleted') this.#versions.set(key, 0);
  }

  #pickAct(key: string, random: Random): Act {
    // Mostly the version that the key has, so that most conditions hold.
    const ifVersion = random.chance(0.9) ? (this.#versions.get(key) ?? 0) : 0;
    const condition = random.chance(0.4) ? { ifVersion } : undefined;
    const what = random.next();
    if (what < 0.4) return { kind: 'set', value: `v${++this.#valueCount}`, ...condition };
    if (what < 0.5) return { kind: 'delete', ...condition };
    return { kind: 'read' };
  }

  /** Some keys are picked more often than others, so that operations on them overlap. */
  #pickKey(random: Random): { readonly name: string; readonly isRetired: boolean } {
    const old = random.chance(READS_OF_RETIRED) ? random.pick(this.#retired) : undefined;
    if (old !== undefined) return { name: old, isRetired: true };
    const at = Math.floor(random.next() ** 2 * KEYS);
    let key = this.#keys[at] ?? this.#newKey();
    if (key.left === 0) {
      this.#retired.push(key.name);
      key = this.#newKey();
    }
    this.#keys[at] = key;
    key.left--;
    return { name: key.name, isRetired: false };
  }

  #newKey(): { name: string; left: number } {
    return { name: `chaos-${++this.#keyCount}`, left: OPERATIONS_PER_KEY };
  }
}

const CLIENTS = 8;
const KEYS = 40;
const OPERATIONS_PER_KEY = 200;
const READS_OF_RETIRED = 0.05;
const MAX_PAUSE_MS = 30;
const PAUSE_AFTER_FAILURE_MS = 200;

import { counter, gauge, type MetricFamily, type MetricsSource } from '@kvs/server';

/** Counts the commands and connections of a listener. One observation is a look-up in a small map and an addition. */
export class RedisMetrics implements MetricsSource {
  readonly #counts = new Map<string, { ok: number; error: number }>();
  #commands = 0;
  #accepted = 0;
  /** The totals at the last reset. */
  #totalsAtReset = { connections: 0, commands: 0 };
  readonly #open: () => number;

  /** @param open returns how many connections are open */
  constructor(open: () => number) {
    this.#open = open;
  }

  /** @param command the name of a command that exists; undefined for all others, of which clients can make up any number */
  observe(command: string | undefined, result: 'ok' | 'error'): void {
    const name = command ?? UNKNOWN;
    let counts = this.#counts.get(name);
    if (counts === undefined) this.#counts.set(name, (counts = { ok: 0, error: 0 }));
    counts[result]++;
    this.#commands++;
  }

  observeConnection(): void {
    this.#accepted++;
  }

  /** Counts since the start, or since the last reset. */
  get totals(): { readonly connections: number; readonly commands: number } {
    const { connections, commands } = this.#totalsAtReset;
    return { connections: this.#accepted - connections, commands: this.#commands - commands };
  }

  /** Lets the totals begin at 0 again. The metrics go on. */
  resetTotals(): void {
    this.#totalsAtReset = { connections: this.#accepted, commands: this.#commands };
  }

  collect(): MetricFamily[] {
    return [
      counter(
        'kvs_redis_commands_total',
        'Commands answered over the Redis protocol',
        [...this.#counts].flatMap(([command, counts]) =>
          RESULTS.map((result) => ({ labels: { command, result }, value: counts[result] })),
        ),
      ),
      counter('kvs_redis_connections_total', 'Connections accepted for the Redis protocol', this.#accepted),
      gauge('kvs_redis_connections', 'Connections of the Redis protocol that are open', this.#open()),
    ];
  }
}

const UNKNOWN = 'unknown';
const RESULTS = ['ok', 'error'] as const;

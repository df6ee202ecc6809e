import { isRecord } from '@kvs/protocol';
import { until } from '@kvs/protocol/testing';

/** The state of a cluster with a topology, as `GET /cluster` of a proxy shows it. */
export class ClusterState {
  readonly #origin: string;

  /** @param origin of the proxy that leads */
  constructor(origin: string) {
    this.#origin = origin;
  }

  /** Waits until every partition has its primary and its copies. */
  async untilComplete(): Promise<void> {
    await this.until(async () => {
      const { partitions } = await this.#status();
      return areComplete(partitions);
    });
  }

  /** Waits until the condition holds. The error shows the state of the cluster otherwise. */
  until(holds: () => Promise<boolean>): Promise<void> {
    return until(holds, async () => JSON.stringify(await this.#status()));
  }

  async copiesOf(id: string): Promise<number> {
    return countIn(await this.#nodeNamed(id), 'copies');
  }

  async primariesOf(id: string): Promise<number> {
    return countIn(await this.#nodeNamed(id), 'primaries');
  }

  async #nodeNamed(id: string): Promise<Readonly<Record<string, unknown>>> {
    const { nodes } = await this.#status();
    const found: unknown = Array.isArray(nodes)
      ? nodes.find((node) => isRecord(node) && node['id'] === id)
      : undefined;
    return isRecord(found) ? found : {};
  }

  async #status(): Promise<Readonly<Record<string, unknown>>> {
    const answer = await fetch(`${this.#origin}/cluster`);
    const state: unknown = await answer.json();
    const topology = isRecord(state) ? state['topology'] : undefined;
    return isRecord(topology) ? topology : {};
  }
}

/**
 * Returns whether every partition has its primary and its copies.
 *
 * @param partitions those of a topology in `GET /cluster`. A proxy that doesn't lead can't tell: then no.
 */
export function areComplete(partitions: unknown): boolean {
  if (!isRecord(partitions)) return false;
  return ['unassigned', 'too_few_copies', 'unavailable'].every((problem) => {
    const found = partitions[problem];
    return isRecord(found) && found['count'] === 0;
  });
}

function countIn(fields: Readonly<Record<string, unknown>>, name: string): number {
  const value = fields[name];
  return Number(isRecord(value) ? value['count'] : value);
}

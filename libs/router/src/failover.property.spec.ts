import fc from 'fast-check';
import {
  partitionOf,
  stringKey,
  stringValue,
  type ItemFailure,
  type Key,
  type QueryOutcome,
  type SetItem,
  type SetOutcome,
} from '@kvs/protocol';
import { TransportError, type NodeTransport } from './node-transport.js';
import { Router } from './router.js';
import { AutoTime } from './testing/auto-time.js';
import { FakeNode } from './testing/fake-node.js';
import { MovingTable, UNSEEN_MS } from './testing/moving-cluster.js';

const NODES = ['node-1:3000', 'node-2:3000', 'node-3:3000'];

/** What becomes of a call that a node is sent. */
const fates = [
  'done',
  /** The node does the items of partitions that it serves. */
  'done if served',
  'wrong node',
  'shutting down',
  'not sent',
  'done, and the answer is lost',
  'lost',
  'done, but too late',
  'every second item is in doubt',
] as const;
type Fate = (typeof fates)[number];

const step = fc.record({
  fate: fc.constantFrom(...fates),
  /** Where the partitions of the call are afterwards; null: nowhere. */
  moveTo: fc.option(fc.constantFrom(...NODES, null), { nil: undefined }),
});
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

const batch = fc.array(fc.nat({ max: 9 }), { minLength: 1, maxLength: 8 });

const failure = (code: ItemFailure['code']): ItemFailure => ({ ok: false, code, message: 'no' });
const inDoubt: ItemFailure = { ...failure('node_unavailable'), maybeApplied: true };

/** Nodes over one store that do with each call what the script says, and note what may have been applied. */
class ScriptedCluster {
  readonly time = new AutoTime();
  readonly table = new MovingTable(NODES);
  readonly router: Router;
  /** The positions of items that may have been applied, in order. */
  readonly applied: number[] = [];
  /** The positions of items that were sent after they may have been applied. */
  readonly sentAgain: number[] = [];
  readonly #script: Step[];

  constructor(script: readonly Step[]) {
    this.#script = [...script];
    this.router = new Router(this.table, (address) => this.#nodeAt(address), { timers: this.time });
  }

  #nodeAt(address: string): NodeTransport {
    const node = new FakeNode();
    return Object.assign(node, {
      set: async (items: readonly SetItem[], partitions: readonly number[]): Promise<SetOutcome[]> => {
        const { fate, moveTo } = this.#script.shift() ?? { fate: 'done if served', moveTo: undefined };
        this.#noteSent(items);
        const isServed = partitions.map((partition) => this.table.truthOf(partition)?.node === address);
        if (moveTo !== undefined) {
          this.table.move(partitions, moveTo ?? undefined);
          this.time.after(UNSEEN_MS, () => this.table.announce());
        }
        await Promise.resolve();
        return this.#answer(items, fate, isServed);
      },
    });
  }

  #answer(items: readonly SetItem[], fate: Fate, isServed: readonly boolean[]): SetOutcome[] {
    switch (fate) {
      case 'done':
        return items.map((item) => this.#apply(item));
      case 'done if served':
        return items.map((item, i) => (isServed[i] ? this.#apply(item) : failure('wrong_node')));
      case 'wrong node':
        return items.map(() => failure('wrong_node'));
      case 'shutting down':
        return items.map(() => failure('node_unavailable'));
      case 'not sent':
        throw new TransportError('unconnected', 'gone');
      case 'lost':
        this.#mayApply(items);
        throw new TransportError('broken', 'gone');
      case 'done, and the answer is lost':
        for (const item of items) this.#apply(item);
        throw new TransportError('broken', 'gone');
      case 'done, but too late':
        for (const item of items) this.#apply(item);
        throw new TransportError('timeout', 'late');
      case 'every second item is in doubt':
        this.#mayApply(items.filter((_, i) => i % 2 === 1));
        return items.map((_, i) => (i % 2 === 1 ? inDoubt : failure('wrong_node')));
    }
  }

  #apply(item: SetItem): SetOutcome {
    this.#mayApply([item]);
    return { ok: true, version: 1, created: true };
  }

  #mayApply(items: readonly SetItem[]): void {
    for (const { value } of items) this.applied.push(Number(value.data));
  }

  #noteSent(items: readonly SetItem[]): void {
    for (const { value } of items)
      if (this.applied.includes(Number(value.data))) this.sentAgain.push(Number(value.data));
  }
}

describe('whatever becomes of calls, and wherever partitions move', () => {
  it('each write has one outcome that tells the truth, and none is sent after it may have been applied', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), batch, async (script, numbers) => {
        const cluster = new ScriptedCluster(script);
        const items = numbers.map((n, i) => ({ key: stringKey(`key-${n}`), value: stringValue(String(i)) }));
        const outcomes = await cluster.router.set(items);
        cluster.router.close();

        expect(outcomes).toHaveLength(items.length);
        expect(cluster.sentAgain).toEqual([]);
        outcomes.forEach((outcome, i) => {
          const mayBeApplied = cluster.applied.includes(i);
          if (outcome.ok) expect(mayBeApplied).toBe(true);
          else {
            expect(outcome.code).toBe('node_unavailable');
            if (mayBeApplied) expect(outcome.maybeApplied).toBe(true);
          }
        });
        for (const n of new Set(numbers)) {
          const ofKey = cluster.applied.filter((position) => numbers[position] === n);
          expect(ofKey).toEqual([...ofKey].sort((x, y) => x - y));
        }
        expect(cluster.time.nowMs()).toBeLessThanOrEqual(5000 + UNSEEN_MS);
      }),
      { numRuns: 300 },
    );
  });

  it('writes are done in the end if their partitions have a primary that answers', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            fate: fc.constantFrom<Fate>('wrong node', 'shutting down', 'not sent'),
            moveTo: fc.constantFrom(...NODES),
          }),
          { maxLength: 20 },
        ),
        fc.uniqueArray(fc.nat({ max: 9 }), { minLength: 1 }),
        async (script, numbers) => {
          const cluster = new ScriptedCluster(script);
          const items = numbers.map((n, i) => ({
            key: stringKey(`key-${n}`),
            value: stringValue(String(i)),
          }));
          const outcomes = await cluster.router.set(items);
          cluster.router.close();
          expect(outcomes.every(({ ok }) => ok)).toBe(true);
        },
      ),
      { numRuns: 100 },
    );
  });
});

it('each read has one outcome, which leaves nothing open, whatever becomes of its calls', async () => {
  const readFates = ['done', 'wrong node', 'shutting down', 'not sent', 'lost', 'late'] as const;
  const failures = { 'not sent': 'unconnected', lost: 'broken', late: 'timeout' } as const;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...readFates), { maxLength: 30 }),
      batch,
      async (script, numbers) => {
        const fates = [...script];
        const time = new AutoTime();
        const query = async (keys: readonly Key[]): Promise<QueryOutcome[]> => {
          const fate = fates.shift() ?? 'done';
          await Promise.resolve();
          if (fate === 'done') return keys.map(() => ({ ok: true, present: true }));
          if (fate === 'wrong node') return keys.map(() => failure('wrong_node'));
          if (fate === 'shutting down') return keys.map(() => failure('node_unavailable'));
          throw new TransportError(failures[fate], 'gone');
        };
        const router = new Router(new MovingTable(NODES), () => Object.assign(new FakeNode(), { query }), {
          timers: time,
        });
        const outcomes = await router.query(numbers.map((n) => stringKey(`key-${n}`)));
        router.close();
        // The script ends long before the time is up.
        expect(outcomes).toEqual(numbers.map(() => ({ ok: true, present: true })));
      },
    ),
    { numRuns: 200 },
  );
});

it('keys of the script are of several partitions', () => {
  const partitions = Array.from({ length: 10 }, (_, n) => partitionOf(stringKey(`key-${n}`)));
  expect(new Set(partitions).size).toBeGreaterThan(5);
});

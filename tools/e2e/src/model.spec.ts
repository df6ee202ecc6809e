import type { EncodedData } from '@kvs/protocol';
import fc from 'fast-check';
import { LocalCluster } from '@kvs-tools/local-cluster';
import { send } from './support/http.js';

let cluster: LocalCluster;
beforeAll(async () => {
  cluster = await LocalCluster.start(3);
});
afterAll(() => cluster.stop());

/** Few keys, so that batches often use the same ones. Some differ only in their encoding. */
const key = fc.record({
  encoding: fc.constantFrom<EncodedData['encoding']>('string', 'binary'),
  data: fc.constantFrom('00', '1234', 'ab', 'c0ffee'),
});
const value = fc.oneof(
  fc.record({ encoding: fc.constant('string' as const), data: fc.string({ unit: 'binary', maxLength: 20 }) }),
  fc.record({ encoding: fc.constant('binary' as const), data: fc.stringMatching(/^([0-9a-f]{2}){0,10}$/) }),
);
const keys = fc.array(key, { maxLength: 8 });

type Operation =
  | {
      readonly kind: 'set';
      readonly pairs: readonly { key: EncodedData; value: EncodedData; absent: boolean }[];
    }
  | { readonly kind: 'fetch' | 'query' | 'delete'; readonly keys: readonly EncodedData[] }
  | { readonly kind: 'scan' };

const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('set' as const),
      pairs: fc.array(fc.record({ key, value, absent: fc.boolean() }), { maxLength: 8 }),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constantFrom('fetch' as const, 'query' as const, 'delete' as const),
      keys,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('scan' as const) }) },
);

class Model {
  readonly #pairs = new Map<string, { key: EncodedData; value: EncodedData }>();

  /** Applies an operation to the model, and returns the status and body that the cluster must answer with. */
  apply(operation: Operation): [number, unknown] {
    switch (operation.kind) {
      case 'set': {
        const failed = operation.pairs.filter(({ key, value, absent }) => {
          if (absent && this.#pairs.has(id(key))) return true;
          this.#pairs.set(id(key), { key, value });
          return false;
        });
        const status = failed.length === 0 ? 200 : failed.length === operation.pairs.length ? 409 : 207;
        const keys_failed = failed.map(({ key }) => ({
          key,
          code: 'version_mismatch',
          message: expect.any(String),
        }));
        return [status, { keys_added: operation.pairs.length - failed.length, keys_failed }];
      }
      case 'fetch':
        return [200, operation.keys.map((key) => ({ key, value: this.#pairs.get(id(key))?.value ?? null }))];
      case 'query':
        return [200, operation.keys.map((key) => ({ key, value: this.#pairs.has(id(key)) }))];
      case 'delete':
        return [
          200,
          {
            keys_deleted: operation.keys.filter((key) => this.#pairs.delete(id(key))).length,
            keys_failed: [],
          },
        ];
      case 'scan':
        return [200, [...this.#pairs.values()].map(id).sort()];
    }
  }
}

const id = (value: unknown): string => JSON.stringify(value);

async function ask(operation: Operation): Promise<[number, unknown]> {
  const { origin } = cluster;
  switch (operation.kind) {
    case 'set': {
      const body = operation.pairs.map(({ key, value, absent }) => ({
        key,
        value,
        ...(absent ? { if_version: 0 } : {}),
      }));
      const { status, json } = await send('PUT', `${origin}/set`, { body });
      return [status, json];
    }
    case 'fetch':
    case 'query':
    case 'delete': {
      const { status, json } = await send('POST', `${origin}/${operation.kind}`, { body: operation.keys });
      return [status, json];
    }
    case 'scan': {
      const { status, json } = await send('GET', `${origin}/fetch`);
      return [status, (json as unknown[]).map(id).sort()];
    }
  }
}

it('the cluster behaves like one map for any sequence of batches', async () => {
  await fc.assert(
    fc
      .asyncProperty(fc.array(operation, { maxLength: 25 }), async (operations) => {
        const model = new Model();
        for (const operation of operations) {
          const expected = model.apply(operation);
          expect({ operation, answer: await ask(operation) }).toEqual({ operation, answer: expected });
        }
      })
      .afterEach(async () => {
        const all = (await send('GET', `${cluster.origin}/fetch`)).json as { key: EncodedData }[];
        await send('POST', `${cluster.origin}/delete`, { body: all.map(({ key }) => key) });
      }),
    { numRuns: 60 },
  );
});

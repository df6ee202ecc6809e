import {
  KvsError,
  stringKey,
  stringValue,
  type DeleteItem,
  type DeleteOutcome,
  type ItemFailure,
  type Key,
  type SetItem,
  type SetOutcome,
} from '@kvs/protocol';
import { MapOperations } from '@kvs/protocol/testing';
import { TestRedis } from '../testing/test-redis.js';

const AWAY = { ok: false, code: 'node_unavailable', message: 'no node' } as const;
const FAILURES: Readonly<Record<string, ItemFailure>> = {
  full: { ok: false, code: 'out_of_memory', message: 'full' },
  away: AWAY,
  lost: { ...AWAY, maybeApplied: true },
  replaced: { ok: false, code: 'version_mismatch', message: 'another version' },
};

const OOM = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";
const OOM_IN_PART =
  "-MAYBEAPPLIED the command ran in part: command not allowed when used memory > 'maxmemory'.\r\n";
const AWAY_IN_PART = '-MAYBEAPPLIED the command ran in part: no node\r\n';
const IN_DOUBT = '-MAYBEAPPLIED the write may have been applied: no node\r\n';

/** Operations over a map. `{ 'set a': 'full' }` is how a write of `a` fails; a batch with a `refused` item fails as a whole. */
class FailingOperations extends MapOperations {
  constructor(readonly failures: Readonly<Record<string, string>>) {
    super();
  }

  override set(items: readonly SetItem[]): readonly SetOutcome[] {
    return items.map((item) => this.#failure('set', item) ?? only(super.set([item])));
  }

  override delete(items: readonly DeleteItem[]): readonly DeleteOutcome[] {
    return items.map((item) => this.#failure('delete', item) ?? only(super.delete([item])));
  }

  #failure(kind: string, { key }: SetItem | DeleteItem): ItemFailure | undefined {
    const name = this.failures[`${kind} ${key.data}`] ?? 'none';
    if (name === 'refused') throw new KvsError(AWAY.code, AWAY.message);
    return FAILURES[name];
  }
}

function only<T>(outcomes: readonly T[] | Promise<readonly T[]>): T {
  if (outcomes instanceof Promise || outcomes[0] === undefined) throw new TypeError('expected one outcome');
  return outcomes[0];
}

it.each<[command: string, failures: FailingOperations['failures'], reply: string, pairs: string]>([
  ['msetnx a 1 b 2', { 'set b': 'full' }, OOM, ''],
  ['msetnx a 1 b 2', { 'set a': 'replaced', 'set b': 'full' }, OOM, ''],
  ['msetnx a 1 b 2 c 3', { 'set b': 'replaced' }, ':0\r\n', ''],
  ['msetnx a 1 b 2 c 3', { 'set a': 'replaced', 'set b': 'lost' }, IN_DOUBT, ''],
  ['msetnx a 1 b 2 c 3', { 'set a': 'away', 'set b': 'lost' }, IN_DOUBT, ''],
  ['msetnx a 1 b 2', { 'set b': 'full', 'delete a': 'away' }, AWAY_IN_PART, 'a=1'],
  ['msetnx a 1 b 2', { 'set b': 'replaced', 'delete a': 'away' }, AWAY_IN_PART, 'a=1'],
  ['msetnx a 1 b 2', { 'set b': 'full', 'delete a': 'refused' }, AWAY_IN_PART, 'a=1'],
  // Somebody else has replaced the pair, so it stays.
  ['msetnx a 1 b 2', { 'set b': 'full', 'delete a': 'replaced' }, OOM, 'a=1'],
  ['mset a 1 b 2', { 'set a': 'full', 'set b': 'full' }, OOM, ''],
  ['mset a 1 b 2', { 'set a': 'full', 'set b': 'lost' }, IN_DOUBT, ''],
  ['mset a 1 b 2', { 'set a': 'full' }, OOM_IN_PART, 'b=2'],
  ['del old a', { 'delete a': 'away' }, AWAY_IN_PART, ''],
  ['del a old', { 'delete old': 'away' }, '-CLUSTERDOWN no node\r\n', 'old=x'],
  ['rename old a', { 'set a': 'full' }, OOM, 'old=x'],
  ['rename old a', { 'delete old': 'away' }, AWAY_IN_PART, 'old=x a=x'],
  ['renamenx old a', { 'delete old': 'away' }, AWAY_IN_PART, 'old=x a=x'],
])('%s, in which items fail: %j', async (command, failures, reply, pairs) => {
  const operations = new FailingOperations(failures);
  if (/old/.test(command)) operations.set([{ key: stringKey('old'), value: stringValue('x') }]);
  const server = await TestRedis.start({ operations });
  try {
    expect(await (await server.connect()).ask(command)).toBe(reply);
    const names = ['old', 'a', 'b', 'c'];
    const found = await operations.fetch(names.map((name) => stringKey(name)));
    const present = found.flatMap((outcome, i) =>
      outcome.ok && outcome.entry ? [`${names[i]}=${outcome.entry.value.data}`] : [],
    );
    expect(present.join(' ')).toBe(pairs);
  } finally {
    await server.close();
  }
});

it.each<[failures: FailingOperations['failures'], reply: string]>([
  [{ 'delete a': 'away' }, '-CLUSTERDOWN no node\r\n'],
  [{ 'delete b': 'away' }, AWAY_IN_PART],
  [{ 'delete b': 'refused' }, AWAY_IN_PART],
  [{ 'delete c': 'away' }, AWAY_IN_PART],
  [{ 'delete c': 'lost' }, IN_DOUBT],
])('flushall of a and then b and c, in which items fail: %j', async (failures, reply) => {
  const operations = new FailingOperations(failures);
  const chunks = [['a'], ['b', 'c']].map((names) => names.map((name) => stringKey(name)));
  operations.set(chunks.flat().map((key) => ({ key, value: stringValue('x') })));
  operations.scan = async () => ({ missingNodes: [], lines: linesOf(chunks), close: () => undefined });
  const server = await TestRedis.start({ operations });
  const client = await server.connect();
  expect(await client.ask('flushall', 'scan 18446744073709551616')).toBe(`${reply}-ERR invalid cursor\r\n`);
  await server.close();
});

async function* linesOf(chunks: readonly (readonly Key[])[]): AsyncGenerator<Uint8Array> {
  for (const keys of chunks) yield Buffer.from(keys.map((key) => `${JSON.stringify({ key })}\n`).join(''));
}

import {
  DEFAULT_LIMITS,
  exclusive,
  KvsError,
  stringKey,
  stringValue,
  whenDone,
  type SetOutcome,
} from '@kvs/protocol';
import { NotedOperations } from '../testing/noted-operations.js';
import type { RawClient } from '../testing/raw-client.js';
import { TestRedis } from '../testing/test-redis.js';
import { Keyspace } from './keyspace.js';

const MISMATCH: SetOutcome = { ok: false, code: 'version_mismatch', message: 'it has another version' };
const WRITTEN: SetOutcome = { ok: true, version: 2, created: false };

describe('EXEC, if somebody else writes a watched key while it runs', () => {
  let server: TestRedis;
  let client: RawClient;
  const written: string[] = [];

  beforeEach(async () => {
    const operations = new NotedOperations();
    // The watched key is absent when EXEC begins, and there is a pair when it is written.
    operations.set = (items) =>
      items.map(({ key, value, ifVersion }) => {
        if (ifVersion === 0) return MISMATCH;
        written.push(`${key.data}=${value.data}`);
        return WRITTEN;
      });
    server = await TestRedis.start({ operations });
    client = await server.connect();
    written.length = 0;
  });
  afterEach(() => server.close());

  it('does nothing if it has written nothing before', async () => {
    const replies = await client.ask('watch k', 'multi', 'set k 1', 'set other 1', 'exec');
    expect(replies).toMatch(/\+QUEUED\r\n\*-1\r\n/);
    expect(written).toEqual([]);
  });

  it('says that it ran in part if it has written another key before', async () => {
    const replies = await client.ask('watch k', 'multi', 'set other 1', 'set k 1', 'set other 2', 'exec');
    expect(replies).toMatch(/\+QUEUED\r\n-MAYBEAPPLIED somebody else wrote a watched key .*\r\n$/);
    expect(written).toEqual(['other=1']);
  });

  it('runs as always if it does not write that key, or if the key is not watched any more', async () => {
    const replies = await client.ask('watch k', 'multi', 'set other 1', 'exec', 'multi', 'set k 1', 'exec');
    expect(replies.match(/\*1\r\n\+OK\r\n/g)).toHaveLength(2);
    expect(written).toEqual(['other=1', 'k=1']);
  });
});

describe('EXEC, if somebody else changes a watched key just after it began', () => {
  let operations: NotedOperations;
  let server: TestRedis;
  let client: RawClient;
  beforeEach(async () => {
    operations = new NotedOperations();
    server = await TestRedis.start({ operations });
    client = await server.connect();
    await client.ask('set source mine');
  });
  afterEach(() => server.close());

  /** Watches `k` and runs a transaction, which somebody else's command precedes after EXEC has compared the versions. */
  async function exec(commands: readonly string[], others: string): Promise<string> {
    const fetch = operations.fetch.bind(operations);
    const somebody = new Keyspace({ operations: exclusive(operations), limits: DEFAULT_LIMITS });
    const [key, value] = [stringKey('k'), stringValue('theirs')];
    await client.ask('watch k');
    operations.fetch = (keys) => {
      const outcomes = fetch(keys);
      operations.fetch = fetch;
      if (others === 'set k theirs') void somebody.set([{ key, value }]);
      if (others === 'del k') void somebody.delete([key]);
      return outcomes;
    };
    const replies = await client.ask('multi', ...commands, 'exec');
    return replies.replace(/^\+OK\r\n(\+QUEUED\r\n)*/, '');
  }

  it.each([
    'setnx k mine',
    'set k mine nx',
    'msetnx k mine other mine',
    'renamenx source k',
    'copy source k',
  ])('%s does not take it for absent if it is there now', async (command) => {
    expect(await exec([command, 'set other mine'], 'set k theirs')).toBe('*-1\r\n');
    expect(await client.ask('get k', 'get other', 'get source')).toBe(
      '$6\r\ntheirs\r\n$-1\r\n$4\r\nmine\r\n',
    );
  });

  it.each([
    'setnx k mine',
    'set k mine nx',
    'exists k',
    'exists k source',
    'touch k',
    'type k',
    'copy source k',
  ])('%s does not take it for present if it is deleted now', async (command) => {
    await client.ask('set k old');
    expect(await exec([command, 'set other mine'], 'del k')).toBe('*-1\r\n');
    expect(await client.ask('get k', 'get other')).toBe('$-1\r\n$-1\r\n');
  });

  it.each(['get k', 'append k mine', 'copy k copied', 'exists k', 'exists k source', 'touch k', 'type k'])(
    '%s does not use a pair that replaces it',
    async (command) => {
      await client.ask('set k old');
      expect(await exec([command, 'set other mine'], 'set k theirs')).toBe('*-1\r\n');
      expect(await client.ask('get k', 'get other', 'get copied')).toBe('$6\r\ntheirs\r\n$-1\r\n$-1\r\n');
    },
  );

  it.each(['exists k', 'exists k source', 'touch k', 'type k', 'msetnx k mine other mine'])(
    '%s does not use a pair that is deleted again at once',
    async (command) => {
      const [query, set] = [operations.query.bind(operations), operations.set.bind(operations)];
      operations.query = (keys) => {
        void set([{ key: stringKey('k'), value: stringValue('theirs') }]);
        const outcomes = query(keys);
        void operations.delete([{ key: stringKey('k') }]);
        return outcomes;
      };
      expect(await client.ask('watch k', 'multi', command, 'set other mine', 'exec')).toMatch(/\*-1\r\n$/);
      expect(await client.ask('get other')).toBe('$-1\r\n');
    },
  );

  it('knows what it has written itself, and what nobody has changed', async () => {
    const commands = ['exists k', 'setnx k 1', 'setnx k 2', 'exists k', 'del k', 'setnx k 3', 'get k'];
    expect(await exec(commands, 'nothing')).toBe('*7\r\n:0\r\n:1\r\n:0\r\n:1\r\n:1\r\n:1\r\n$1\r\n3\r\n');
    expect(await exec(['setnx k 4', 'msetnx other 1 k 1', 'exists k other'], 'nothing')).toBe(
      '*3\r\n:0\r\n:0\r\n:1\r\n',
    );
  });
});

it('EXEC runs on if a write of a watched key fails for another reason', async () => {
  const operations = new NotedOperations();
  operations.set = (items) => items.map(() => ({ ok: false, code: 'out_of_memory', message: 'full' }));
  const server = await TestRedis.start({ operations });
  const client = await server.connect();
  expect(await client.ask('watch k', 'multi', 'set k 1', 'get k', 'exec')).toMatch(
    /\+QUEUED\r\n\*2\r\n-OOM [^\r]*\r\n\$-1\r\n$/,
  );
  await server.close();
});

describe('MSETNX in EXEC, if somebody else takes a watched key just before it writes', () => {
  const NULL = /\+QUEUED\r\n\*-1\r\n$/;
  const IN_PART = /\+QUEUED\r\n-MAYBEAPPLIED somebody else wrote a watched key .*\r\n$/;
  let operations: NotedOperations;
  let server: TestRedis;
  let client: RawClient;
  beforeEach(async () => {
    operations = new NotedOperations();
    const set = operations.set.bind(operations);
    operations.set = (items) => {
      if (items.length > 1) void set([{ key: stringKey('k'), value: stringValue('theirs') }]);
      return set(items);
    };
    server = await TestRedis.start({ operations });
    client = await server.connect();
  });
  afterEach(() => server.close());

  /** Runs MSETNX of `other` and `k` after some commands. Returns the reply to EXEC with what `other` and `k` have then. */
  async function exec(...before: readonly string[]): Promise<readonly [replies: string, pairs: string]> {
    const replies = await client.ask('watch k', 'multi', ...before, 'msetnx other mine k mine', 'exec');
    return [replies, await client.ask('get other', 'get k')];
  }

  it('deletes what it has written, so that EXEC did nothing', async () => {
    expect(await exec()).toEqual([expect.stringMatching(NULL), '$-1\r\n$6\r\ntheirs\r\n']);
  });

  it('says that EXEC ran in part if a command before has written', async () => {
    expect(await exec('set first 1')).toEqual([expect.stringMatching(IN_PART), '$-1\r\n$6\r\ntheirs\r\n']);
  });

  it('says so too if it cannot delete what it has written', async () => {
    operations.delete = () => {
      throw new KvsError('node_unavailable', 'no node');
    };
    expect(await exec()).toEqual([expect.stringMatching(IN_PART), '$4\r\nmine\r\n$6\r\ntheirs\r\n']);
  });

  it('says so too if the answer to one of its writes was lost', async () => {
    const set = operations.set.bind(operations);
    operations.set = (items) =>
      whenDone(set(items), (outcomes) =>
        outcomes.map((outcome): SetOutcome =>
          outcome.ok ? { ok: false, code: 'node_unavailable', message: 'lost', maybeApplied: true } : outcome,
        ),
      );
    expect(await exec()).toEqual([expect.stringMatching(IN_PART), expect.anything()]);
  });
});

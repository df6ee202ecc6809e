import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import { stringKey, stringValue, type FetchOutcome, type SetOutcome, type WireSetItem } from '@kvs/protocol';
import { FakeHttpNode } from '../../test/fake-http-node.js';
import { ManualTime } from '../../test/manual-time.js';
import { weightOf } from '../batch.js';
import { DEFAULT_LINK_OPTIONS } from '../link/link-options.js';
import { callWith } from '../pending-call.js';
import { HttpClient, type HttpOptions } from './http-client.js';

let node: FakeHttpNode;
let client: HttpClient;
let reached: number;

async function start(options: Partial<HttpOptions> = {}): Promise<void> {
  reached = 0;
  node = await FakeHttpNode.start();
  const all = { ...DEFAULT_LINK_OPTIONS, nodeTimeoutMs: 60_000, nodeConnections: 8, ...BOUNDS, ...options };
  client = new HttpClient(node.address, all, () => void reached++);
}
afterEach(async () => {
  client.close();
  await node.stop();
});

const BOUNDS = { maxMergedItems: 1000, maxMergedBytes: 2 ** 20, maxBodyBytes: 2 ** 24 };

function set(name: string, text = 'v'): Promise<readonly SetOutcome[]> {
  return setAll([name], text);
}

function setAll(names: readonly string[], text: string): Promise<readonly SetOutcome[]> {
  const items = names.map((name) => ({ key: stringKey(name), value: stringValue(text) }));
  return callWith('set', items, weightOf({ kind: 'set', items }), (call) => client.submit(call));
}

function fetch(name: string): Promise<readonly FetchOutcome[]> {
  const items = [stringKey(name)];
  return callWith('fetch', items, weightOf({ kind: 'fetch', items }), (call) => client.submit(call));
}

it('tells when the node is reached, but not when it is in trouble', async () => {
  await start();
  node.json({ code: 'not_ready', detail: 'soon', status: 503 }, 503, 'application/problem+json');
  await fetch('a');
  expect(reached).toBe(0);
  node.json([{ key: stringKey('a'), value: null }]);
  await fetch('a');
  expect(reached).toBe(1);
});

it('gives up an answer that has no end', async () => {
  await start({ maxBodyBytes: 100_000 });
  const answered = new Promise<ServerResponse>((resolve) => {
    node.answer = (response) => {
      const more = (): void => void (response.destroyed || response.write('['.repeat(1000), more));
      more();
      resolve(response);
    };
  });
  await expect(fetch('a')).rejects.toMatchObject({ failure: 'broken' });
  const response = await answered;
  if (!response.destroyed) await once(response, 'close');
});

describe('a merged batch', () => {
  /** How many items each request had. */
  const sizes = () => node.requests.map(({ body }) => (JSON.parse(body) as unknown[]).length);
  const answerSets = (status?: (items: number) => number): void => {
    node.answer = (response) => {
      const count = sizes().at(-1) ?? 0;
      const refusal = status?.(count) ?? 200;
      if (refusal !== 200)
        return void response.writeHead(refusal, { 'content-type': 'text/html' }).end('<html>');
      response.setHeader('content-type', 'application/json');
      const [versions, created] = [new Array<number>(count).fill(1), new Array<boolean>(count).fill(true)];
      response.end(JSON.stringify({ versions, created, keys_failed: [] }));
    };
  };
  const written = [{ ok: true, version: 1, created: true }];

  it.each([400, 413, 414, 431])('that something on the way refuses with %d is split', async (status) => {
    await start();
    answerSets((items) => (items > 1 ? status : 200));
    expect(await Promise.all([set('a'), set('b'), set('c')])).toEqual([written, written, written]);
    expect(sizes()).toEqual([3, 1, 1, 1]);
  });

  it('that found no connection in the time of one call is sent for the others', async () => {
    const time = new ManualTime();
    await start({ timers: time, nodeTimeoutMs: 1000, nodeConnections: 1 });
    node.answer = () => undefined;
    const ends: Promise<unknown>[] = [fetch('in the way'), set('a')];
    time.pass(10);
    ends.push(set('b'));
    while (node.requests.length === 0) await setImmediate();
    answerSets();
    time.pass(990);
    expect(await Promise.allSettled(ends)).toMatchObject([
      { reason: { failure: 'timeout' } },
      { reason: { failure: 'unconnected' } },
      { value: written },
    ]);
    expect(sizes()).toEqual([1, 1]);
  });

  it('goes once, also where it gathers while calls before it give up and make way', async () => {
    const time = new ManualTime();
    const bounds = { maxMergedItems: 10, maxMergedBytes: 6000, nodeTimeoutMs: 300 };
    await start({ timers: time, ...bounds });
    node.answer = () => undefined;
    const nine = (prefix: string): string[] => Array.from({ length: 9 }, (_, i) => `${prefix}${i}`);
    // One of these goes; the others wait for its answer.
    const late = [setAll(nine('a'), 'v'), setAll(nine('b'), 'v'), set('key', 'v'.repeat(1500))];
    while (node.requests.length === 0) await setImmediate();
    time.pass(299);
    const ends = [set('other', 'v'.repeat(1500)), set('key', 'v'.repeat(4000))];
    answerSets();
    const over = Promise.allSettled(late);
    time.pass(1);
    expect((await over).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    time.pass(2);
    expect(await Promise.all(ends)).toEqual([written, written]);
    const asked = node.requests.map(({ body }) =>
      (JSON.parse(body) as WireSetItem[]).map(({ key }) => key.data),
    );
    expect(asked.slice(1).flat().sort()).toEqual(['key', 'other']);
    expect([...client.calls]).toEqual([]);
  });

  it('is no longer than it may be as it is written', async () => {
    await start({ maxMergedBytes: 1000 });
    answerSets();
    const names = ['a', 'b', 'c', 'd'];
    await Promise.all(names.map((name) => set(name, '\u0000'.repeat(100)))); // 6 bytes to each
    expect(sizes()).toEqual([1, 1, 1, 1]);
  });

  it('asks for no more than about so many bytes, by what was last answered', async () => {
    await start({ maxMergedBytes: 10_000 });
    const answerWith = (units: number): void => {
      node.answer = (response) => {
        const keys = JSON.parse(node.requests.at(-1)?.body ?? '') as unknown[];
        const value = stringValue('v'.repeat(units));
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify(keys.map((key) => ({ key, value, version: 1 }))));
      };
    };
    const names = Array.from({ length: 20 }, (_, i) => `key-${i}`);
    const largest = async (): Promise<number> => {
      node.requests.length = 0;
      await Promise.all(names.map(fetch));
      return Math.max(...sizes());
    };
    answerWith(3000);
    await fetch('a');
    expect(await largest()).toBe(3);
    answerWith(10);
    await largest();
    while ((await largest()) < names.length); // small answers are soon asked for together again
  });
});

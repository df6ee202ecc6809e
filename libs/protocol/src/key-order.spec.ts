import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { stringKey } from './key.js';
import { KeyOrder, type Access } from './key-order.js';

/** Calls of one order, which end when the test says so. */
class Calls {
  readonly begun: string[] = [];
  readonly running = new Map<string, () => void>();
  readonly #order = new KeyOrder();

  run(name: string, keys: string, access: Access): void {
    const call = () =>
      new Promise<void>((resolve) => {
        this.begun.push(name);
        this.running.set(name, resolve);
      });
    void this.#order.run(() => [...keys].map(stringKey), access, call);
  }

  async end(name: string): Promise<void> {
    this.running.get(name)?.();
    this.running.delete(name);
    await setImmediate();
  }

  /** Whether no call is in the order: then it does not ask for the keys of a call that is answered at once. */
  get isEmpty(): boolean {
    let isEmpty = true;
    this.#order.run(
      () => {
        isEmpty = false;
        return [];
      },
      'exclusive',
      () => undefined,
    );
    return isEmpty;
  }
}

let calls: Calls;

beforeEach(() => {
  calls = new Calls();
});

it('lets reads of one key pass each other, and has a write wait for them and others for it', async () => {
  calls.run('read 1', 'a', 'shared');
  calls.run('read 2', 'a', 'shared');
  calls.run('write', 'a', 'exclusive');
  calls.run('read 3', 'a', 'shared');
  expect(calls.begun).toEqual(['read 1', 'read 2']);
  await calls.end('read 1');
  expect(calls.begun).toHaveLength(2);
  await calls.end('read 2');
  expect(calls.begun).toEqual(['read 1', 'read 2', 'write']);
  await calls.end('write');
  expect(calls.begun).toEqual(['read 1', 'read 2', 'write', 'read 3']);
  expect(calls.isEmpty).toBe(false);
  await calls.end('read 3');
  expect(calls.isEmpty).toBe(true);
});

it('lets a read join reads that had to wait and have begun', async () => {
  calls.run('write', 'a', 'exclusive');
  calls.run('read 1', 'a', 'shared');
  await calls.end('write');
  calls.run('read 2', 'a', 'shared');
  expect(calls.begun).toEqual(['write', 'read 1', 'read 2']);
});

it('is free of a call that waited and was then answered at once', async () => {
  const order = new KeyOrder();
  const keys = () => [stringKey('a')];
  let end = (): void => undefined;
  void order.run(keys, 'exclusive', () => new Promise<void>((resolve) => (end = resolve)));
  const waiting = order.run(keys, 'exclusive', () => 'at once');
  end();
  expect(await waiting).toBe('at once');
  expect(order.run(keys, 'exclusive', () => 'next')).toBe('next');
});

it('waits for nothing that concerns other keys', () => {
  calls.run('ab', 'ab', 'exclusive');
  calls.run('bc', 'bc', 'exclusive');
  calls.run('d', 'd', 'exclusive');
  expect(calls.begun).toEqual(['ab', 'd']);
});

it('takes a key that comes twice for one', async () => {
  calls.run('aa', 'aa', 'exclusive');
  await calls.end('aa');
  expect([calls.begun, calls.isEmpty]).toEqual([['aa'], true]);
});

it('goes on after a call that fails', async () => {
  const order = new KeyOrder();
  const failed = order.run(
    () => [stringKey('a')],
    'exclusive',
    () => Promise.reject(new RangeError()),
  );
  const next = order.run(
    () => [stringKey('a')],
    'exclusive',
    () => 'next',
  );
  await expect(failed).rejects.toThrow(RangeError);
  expect(await next).toBe('next');
});

it('always runs everything, and what conflicts in the order in which it came', async () => {
  const work = fc.record({
    keys: fc.stringMatching(/^[a-d]{1,3}$/),
    access: fc.constantFrom<Access>('shared', 'exclusive'),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(work, { maxLength: 20 }),
      fc.infiniteStream(fc.nat()),
      async (works, choices) => {
        calls = new Calls();
        works.forEach(({ keys, access }, i) => calls.run(`${i}`, keys, access));
        const ended: string[] = [];
        while (calls.running.size > 0) {
          const names = [...calls.running.keys()];
          const name = names[(choices.next().value ?? 0) % names.length] ?? '';
          ended.push(name);
          await calls.end(name);
        }
        expect(ended).toHaveLength(works.length);
        expect(calls.isEmpty).toBe(true);
        works.forEach((later, j) => {
          works.slice(0, j).forEach((earlier, i) => {
            const haveCommonKey = [...later.keys].some((key) => earlier.keys.includes(key));
            if (haveCommonKey && (later.access === 'exclusive' || earlier.access === 'exclusive'))
              expect(ended.indexOf(`${i}`)).toBeLessThan(ended.indexOf(`${j}`));
          });
        });
      },
    ),
  );
});

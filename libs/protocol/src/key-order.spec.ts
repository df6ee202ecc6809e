import fc from 'fast-check';
import { stringKey } from './key.js';
import { KeyOrder, type KeyOrderTicket as Ticket } from './key-order.js';

const keysOf = (names: string) => [...names].map(stringKey);

function run(order: KeyOrder, log: string[]) {
  return (name: string, keys: string, write: boolean): Ticket =>
    order.enter(keysOf(keys), write, () => log.push(name));
}

it('lets reads of one key pass each other, and has a write wait for them and others for it', () => {
  const order = new KeyOrder();
  const log: string[] = [];
  const enter = run(order, log);
  const first = enter('read 1', 'a', false);
  const second = enter('read 2', 'a', false);
  const write = enter('write', 'a', true);
  const third = enter('read 3', 'a', false);
  expect(log).toEqual(['read 1', 'read 2']);
  order.leave(first);
  expect(log).toHaveLength(2);
  order.leave(second);
  expect(log).toEqual(['read 1', 'read 2', 'write']);
  order.leave(write);
  expect(log).toEqual(['read 1', 'read 2', 'write', 'read 3']);
  order.leave(third);
  expect(order.isEmpty).toBe(true);
});

it('waits for nothing that concerns other keys', () => {
  const log: string[] = [];
  const enter = run(new KeyOrder(), log);
  enter('ab', 'ab', true);
  enter('bc', 'bc', true);
  enter('d', 'd', true);
  expect(log).toEqual(['ab', 'd']);
});

it('takes a key that comes twice for one', () => {
  const order = new KeyOrder();
  const log: string[] = [];
  const ticket = run(order, log)('aa', 'aa', true);
  order.leave(ticket);
  expect([log, order.isEmpty]).toEqual([['aa'], true]);
});

it('always runs everything, and what conflicts in the order in which it came', () => {
  const work = fc.record({
    keys: fc.stringMatching(/^[a-d]{1,3}$/),
    write: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(work, { maxLength: 20 }), fc.infiniteStream(fc.nat()), (works, choices) => {
      const order = new KeyOrder();
      const running = new Set<number>();
      const begun: number[] = [];
      const tickets: Ticket[] = works.map(({ keys, write }, i) =>
        order.enter(keysOf(keys), write, () => {
          begun.push(i);
          running.add(i);
        }),
      );
      const ended: number[] = [];
      while (running.size > 0) {
        const all = [...running];
        const one = all[(choices.next().value ?? 0) % all.length];
        const ticket = one === undefined ? undefined : tickets[one];
        if (one === undefined || ticket === undefined) break;
        running.delete(one);
        ended.push(one);
        order.leave(ticket);
      }
      expect([...begun].sort((a, b) => a - b)).toEqual(works.map((_, i) => i));
      expect(order.isEmpty).toBe(true);
      works.forEach((later, j) => {
        works.slice(0, j).forEach((earlier, i) => {
          const shared = [...later.keys].some((key) => earlier.keys.includes(key));
          if (shared && (later.write || earlier.write))
            expect(ended.indexOf(i)).toBeLessThan(ended.indexOf(j));
        });
      });
    }),
  );
});

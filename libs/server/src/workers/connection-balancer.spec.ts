import { ConnectionBalancer, type WorkerSlot } from './connection-balancer.js';

class Slot implements WorkerSlot<string> {
  readonly has: string[] = [];

  assign(connection: string): void {
    this.has.push(connection);
  }
}

function begin(slotCount: number, maxWaiting?: number) {
  const cut: string[] = [];
  const balancer = new ConnectionBalancer<string>((connection) => cut.push(connection), maxWaiting);
  const slots = Array.from({ length: slotCount }, () => new Slot());
  for (const slot of slots) balancer.free(slot);
  return { balancer, slots, cut };
}

function assignAndAccept(
  balancer: ConnectionBalancer<string>,
  slots: readonly Slot[],
  connection: string,
): void {
  const before = slots.map(({ has }) => has.length);
  balancer.assign(connection);
  for (const [i, slot] of slots.entries()) if (slot.has.length !== before[i]) balancer.free(slot);
}

it('workers that accept at once get connections in turn', () => {
  const { balancer, slots } = begin(3);
  for (const connection of 'abcdefg') assignAndAccept(balancer, slots, connection);
  expect(slots.map(({ has }) => has.join(''))).toEqual(['adg', 'be', 'cf']);
});

it('a worker that has not accepted a connection gets no other', () => {
  const { balancer, slots } = begin(2);
  balancer.assign('a'); // the first worker never accepts it
  const [, quick] = slots;
  for (const connection of 'bcd') assignAndAccept(balancer, slots.slice(1), connection);
  expect([slots[0]?.has, quick?.has]).toEqual([['a'], ['b', 'c', 'd']]);
});

it('connections wait while no worker is free, and are assigned in their order', () => {
  const { balancer, slots } = begin(0);
  for (const connection of 'abc') balancer.assign(connection);
  const slot = new Slot();
  slots.push(slot);
  for (let i = 0; i < 3; i++) balancer.free(slot);
  expect(slot.has).toEqual(['a', 'b', 'c']);
  balancer.assign('d'); // the worker has not accepted the one before
  expect(slot.has).toHaveLength(3);
});

it('a removed worker gets no connection', () => {
  const { balancer, slots, cut } = begin(2);
  const [first, second] = slots;
  if (first) balancer.remove(first);
  balancer.assign('a');
  expect([first?.has, second?.has, cut]).toEqual([[], ['a'], []]);
});

it('connections beyond the limit are cut at once, and waiting connections when the balancer closes', () => {
  const { balancer, cut } = begin(0, 2);
  for (const connection of 'abcd') balancer.assign(connection);
  expect(cut).toEqual(['c', 'd']);
  balancer.close();
  expect(cut).toEqual(['c', 'd', 'a', 'b']);
  const slot = new Slot();
  balancer.free(slot);
  expect(slot.has).toEqual([]);
});

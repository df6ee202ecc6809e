import { ConnectionDealer, type Seat } from './connection-dealer.js';

class Taker implements Seat<string> {
  readonly has: string[] = [];

  take(connection: string): void {
    this.has.push(connection);
  }
}

function table(seats: number, maxWaiting?: number) {
  const cut: string[] = [];
  const dealer = new ConnectionDealer<string>((connection) => cut.push(connection), maxWaiting);
  const takers = Array.from({ length: seats }, () => new Taker());
  for (const taker of takers) dealer.sit(taker);
  return { dealer, takers, cut };
}

function dealAndSit(dealer: ConnectionDealer<string>, takers: readonly Taker[], connection: string): void {
  const before = takers.map(({ has }) => has.length);
  dealer.deal(connection);
  for (const [i, taker] of takers.entries()) if (taker.has.length !== before[i]) dealer.sit(taker);
}

it('workers that take at once get connections in turn', () => {
  const { dealer, takers } = table(3);
  for (const connection of 'abcdefg') dealAndSit(dealer, takers, connection);
  expect(takers.map(({ has }) => has.join(''))).toEqual(['adg', 'be', 'cf']);
});

it('a worker that has not taken one yet gets no further one', () => {
  const { dealer, takers } = table(2);
  dealer.deal('a'); // on its way to the first for the rest of the test
  const [, quick] = takers;
  for (const connection of 'bcd') dealAndSit(dealer, takers.slice(1), connection);
  expect([takers[0]?.has, quick?.has]).toEqual([['a'], ['b', 'c', 'd']]);
});

it('connections wait while no worker is free, and are dealt in their order', () => {
  const { dealer, takers } = table(0);
  for (const connection of 'abc') dealer.deal(connection);
  const taker = new Taker();
  takers.push(taker);
  for (let i = 0; i < 3; i++) dealer.sit(taker);
  expect(taker.has).toEqual(['a', 'b', 'c']);
});

it('a worker that left gets nothing', () => {
  const { dealer, takers, cut } = table(2);
  const [first, second] = takers;
  if (first) dealer.leave(first);
  dealer.deal('a');
  expect([first?.has, second?.has, cut]).toEqual([[], ['a'], []]);
});

it('more connections than may wait are cut, and those that wait when it closes', () => {
  const { dealer, cut } = table(0, 2);
  for (const connection of 'abcd') dealer.deal(connection);
  expect(cut).toEqual(['c', 'd']);
  dealer.close();
  expect(cut).toEqual(['c', 'd', 'a', 'b']);
});

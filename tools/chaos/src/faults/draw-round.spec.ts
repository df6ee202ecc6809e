import { Random } from '@kvs-tools/cluster-simulation';
import { RoundDrawer, type Targets } from './draw-round.js';
import { FAULT_KINDS, HARM, serversOf, type Fault } from './fault.js';

const targets = (copies: number): Targets => ({
  nodes: ['n1', 'n2', 'n3', 'n4'],
  proxies: ['p1', 'p2'],
  copies,
});

function rounds(seed: number, copies: number): Fault[][] {
  const drawer = new RoundDrawer(new Random(seed));
  return Array.from({ length: 200 }, () => drawer.next(targets(copies)));
}

describe.each([2, 3])('rounds of faults for %d copies', (copies) => {
  const all = rounds(7, copies);

  it('never harm as many copies as there are', () => {
    const harms = all.map((round) => round.reduce<number>((sum, { kind }) => sum + HARM[kind], 0));
    expect(Math.max(...harms)).toBe(copies - 1);
  });

  it('concern each server once', () => {
    for (const round of all) {
      const servers = round.flatMap(serversOf);
      expect(new Set(servers).size).toBe(servers.length);
    }
  });

  it('have every kind equally often, also at once with others', () => {
    const counts = FAULT_KINDS.map((kind) => all.flat().filter((fault) => fault.kind === kind).length);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    expect(all.some((round) => round.length === 2)).toBe(true);
  });
});

it('are the same for the same seed', () => {
  expect(rounds(3, 3)).toEqual(rounds(3, 3));
  expect(rounds(3, 3)).not.toEqual(rounds(4, 3));
});

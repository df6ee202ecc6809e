import { World } from '../test/world.js';

/** How much later one node knows the time than the others. */
const LATER_MS = 60_000;

describe('the time of the cluster (R19)', () => {
  it.each([
    ['primary', 'beacon'],
    ['copy', 'answer to a beacon'],
  ])('that a %s knows reaches the other nodes with its %s, and no clock goes back', (role) => {
    const world = new World();
    const [a, b, c] = [world.add('a'), world.add('b'), world.add('c')];
    world.assign(a, b, c);
    (role === 'primary' ? a : b).clock.raise(world.nowMs + LATER_MS);
    world.pass(1500);
    const times = [a, b, c].map(({ clock }) => clock.nowMs());
    expect(times).toEqual(times.map(() => world.nowMs + LATER_MS));
  });

  it('is not told if the rule is switched off', () => {
    const world = new World();
    const [a, b] = [world.add('a'), world.add('b', { without: ['R19'] })];
    world.assign(a, b);
    a.clock.raise(world.nowMs + LATER_MS);
    world.pass(1500);
    expect(b.clock.nowMs()).toBe(world.nowMs);
  });
});

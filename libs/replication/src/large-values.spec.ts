import { jest } from '@jest/globals';
import { worldOfThree, type Member, type World } from '../test/world.js';

const MIB = 1024 * 1024;

let world: World;
let a: Member;
let b: Member;
let c: Member;
beforeEach(() => {
  ({ world, a, b, c } = worldOfThree());
});

it('an effect after a pause is sent once, if it is acknowledged in time', () => {
  world.assign(a, b);
  a.set('k', 'v');
  world.pass(5000);
  const send = jest.spyOn(world, 'send');
  a.set('k', 'large');
  a.replica.tick();
  a.replica.tick();
  world.pass(400);
  const sent = send.mock.calls.filter(
    ([, , message]) => message.kind === 'effects' && message.effects.length > 0,
  );
  expect(sent).toHaveLength(1);
});

it.each([100, 2000, 12_000])(
  'a fill that has waited for %d ms goes on when a large value is written',
  (waitMs) => {
    world.assign(a);
    a.set('k', 'v'.repeat(100));
    a.replica.limitTransfers(1);
    world.commit({ kind: 'nameLearner', learner: b.bootId });
    world.pass(100 + waitMs);
    a.set('k', 'x'.repeat(9 * MIB));
    a.replica.tick();
    world.pass(1500);
    expect(a.replica.takeFailures()).toEqual([]);
  },
);

it('a fill goes on that lacks nothing while another copy is slow', () => {
  world.assign(a, b);
  a.set('k', 'v');
  a.replica.limitTransfers(1);
  world.commit({ kind: 'nameLearner', learner: c.bootId });
  world.pass(2000);
  world.cut(a, b);
  a.set('k', 'x'.repeat(3 * MIB));
  world.pass(400);
  expect(a.replica.takeFailures()).toEqual([]);
});

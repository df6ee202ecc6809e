import { keyId, stringKey, stringValue } from '@kvs/protocol';
import { PARTITION, World, type Member } from '../test/world.js';

let world: World;
let a: Member;
let b: Member;

beforeEach(() => {
  world = new World();
  a = world.add('a');
  b = world.add('b');
});

/** Returns the version that a write of the key got. */
function versionAfterSet(member: Member): number {
  const write = member.set('k', 'v');
  world.settle();
  expect(write.answer).toMatchObject({ kind: 'done' });
  return member.engine.highestVersion(PARTITION);
}

describe('the effects that a primary sends (R8)', () => {
  it('name the highest version, so that a copy that takes over gives no version twice, even of a deleted key', () => {
    world.assign(a, b);
    const version = versionAfterSet(a);
    a.delete('k');
    world.settle();
    world.commit({ kind: 'promote', copy: b.bootId, instead: a.bootId });
    world.pass(1000);
    expect([b.isServing, b.pairs]).toEqual([true, {}]);
    expect(versionAfterSet(b)).toBeGreaterThan(version);
  });

  it.each([
    ['delete an absent key at the copies too if engines evict', true],
    ['leave an absent key alone if engines do not evict', false],
  ])('%s', (_, evicts) => {
    a.engine.evicts = evicts;
    b.engine.evicts = evicts;
    world.assign(a, b);
    // As if only the primary had evicted the pair.
    const evicted = {
      id: keyId(stringKey('k')),
      value: stringValue('v'),
      version: 1,
      expiresAtMs: undefined,
    };
    b.engine.fill(PARTITION, [evicted], () => undefined);
    const deletion = a.delete('k');
    world.settle();
    expect(deletion.answer).toMatchObject({ kind: 'done' });
    expect(b.pairs).toEqual(evicts ? {} : { k: 'v' });
  });
});

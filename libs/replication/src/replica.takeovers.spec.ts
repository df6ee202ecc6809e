import { keyId, stringKey } from '@kvs/protocol';
import { endProcess, type BootId } from '@kvs/topology';
import {
  BEACON_ROUND_MS,
  done,
  manyFailures,
  pairOf,
  PARTITION,
  PAST_GRACE_MS,
  refused,
  worldOfThree,
  type Member,
  type World,
} from '../test/world.js';
import type { Confirmation, Message } from './messages.js';
import { START_POSITION, type Position } from './position.js';

let world: World;
let a: Member;
let b: Member;
let c: Member;

beforeEach(() => {
  ({ world, a, b, c } = worldOfThree());
});

describe('a new primary', () => {
  it('alone gets the last effects of a copy that it asks for (R12)', () => {
    world.assign(a, b);
    a.set('k', 'v');
    const answers: Message[] = [];
    c.replica.receive = (_, answer) => void answers.push(answer);
    world.settle();
    const { entry } = world;
    b.replica.receive(c.bootId, {
      kind: 'newPrimary',
      partition: PARTITION,
      entry,
      position: START_POSITION,
    });
    world.settle();
    expect(answers).toEqual([]);
  });

  it('is told the effects after a position that both have, or all that are kept if there is none (R12)', () => {
    world.assign(a, b, c);
    world.cut(a, c);
    for (const key of ['k', 'l', 'm']) a.set(key, 'x'.repeat(150_000));
    world.settle();
    const { epoch } = world.entry;
    const told = (member: Member, position: Position) => {
      const confirmations: Confirmation[] = [];
      const { send } = world;
      world.send = (_, __, message) => {
        if (message.kind === 'confirmation') confirmations.push(message);
      };
      const { entry } = world;
      member.replica.receive(a.bootId, { kind: 'newPrimary', partition: PARTITION, entry, position });
      world.send = send;
      return confirmations.map(({ tail }) => [
        tail?.base,
        tail?.effects.map(({ position }) => position.number),
      ]);
    };
    expect(told(b, { epoch, number: 1 })).toEqual([[{ epoch, number: 1 }, [2, 3]]]);
    expect(told(b, { epoch: epoch - 1, number: 1 })).toEqual([[START_POSITION, [1, 2]]]);
    expect(told(b, { epoch, number: 4 })).toEqual([[{ epoch, number: 3 }, []]]);
    world.commit({ kind: 'remove', by: a.bootId, copy: b.bootId });
    expect(told(b, START_POSITION)).toStrictEqual([[undefined, undefined]]);
  });

  it.each([
    ['before the engine of the copy has all that came earlier', false],
    ['of an epoch that the copy has left before that', true],
  ])('is told nothing %s (R12)', (_, hasLeft) => {
    world.assign(a, b, c);
    b.engine.waiting = [];
    a.set('k', 'v');
    world.settle();
    world.cut(c, a);
    world.commit({ kind: 'promote', copy: c.bootId, instead: a.bootId }, [b, c]);
    const confirming: BootId[] = [];
    const send = world.send.bind(world);
    world.send = (from, to, message) => {
      if (message.kind === 'confirmation') confirming.push(from);
      send(from, to, message);
    };
    world.settle();
    expect(confirming).toEqual([]);
    if (hasLeft) world.commit({ kind: 'rewrite' }, [b]);
    for (const run of b.engine.waiting.splice(0)) run();
    expect(confirming).toEqual(hasLeft ? [] : [b.bootId]);
  });

  it('serves only when a former primary has confirmed, or a grace has passed (R12)', () => {
    world.assign(a, b, c);
    world.cut(b, a);
    world.commit({ kind: 'promote', copy: b.bootId, instead: a.bootId }, [b, c]);
    world.pass(2400);
    expect([world.entry.inSync.length, b.isServing]).toEqual([3, false]);
    world.pass(200);
    world.grant();
    world.pass(2600);
    expect([world.entry.inSync, a.isServing, b.isServing]).toEqual([[b.bootId, c.bootId], false, true]);
  });

  it('has an effect that only the former primary has, before it serves (R12)', () => {
    world.assign(a, b, c);
    for (const copy of [b, c]) world.cut(a, copy);
    a.set('k', 'v');
    world.mend();
    world.commit({ kind: 'promote', copy: b.bootId, instead: a.bootId });
    world.pass(1000);
    expect([b.isServing, b.pairs, c.pairs]).toEqual([true, { k: 'v' }, { k: 'v' }]);
  });

  it('asks at once to remove a copy that has another effect in the place of one of its own (R12)', () => {
    world.assign(a, b, c);
    world.cut(c, a);
    a.set('k', 'v');
    world.settle();
    world.cut(a, b);
    const { epoch } = world.commit({ kind: 'promote', copy: b.bootId, instead: a.bootId });
    const position = { epoch: 1, number: 1 };
    const effects = [{ position, id: keyId(stringKey('k')), entry: pairOf('k', 'other') }];
    const tail = { base: START_POSITION, effects };
    b.replica.receive(a.bootId, { kind: 'confirmation', partition: PARTITION, epoch, tail });
    world.pass(100);
    expect(world.requests.map(({ change }) => change)).toEqual([
      { kind: 'remove', by: b.bootId, copy: a.bootId },
    ]);
    const reason = 'its effects differ from those of the primary';
    expect(b.replica.takeFailures()).toMatchObject([{ copy: a.bootId, reason }]);
  });

  it.each<[string, () => void]>([
    ['it cannot store what only that copy has', () => (b.engine.results.apply = manyFailures())],
    ['that copy does not store what it lacks', () => (c.engine.waiting = [])],
  ])('asks to remove a copy if %s (R12)', (_, fail) => {
    world.assign(a, b, c);
    for (const copy of [b, c]) world.cut(a, copy);
    a.set('k', 'v');
    world.mend();
    fail();
    world.commit({ kind: 'promote', copy: b.bootId, instead: a.bootId });
    world.pass(2000);
    expect(world.requestKinds).toEqual([]);
    world.pass(1000);
    expect([new Set(world.requestKinds), b.isServing]).toEqual([new Set(['remove']), false]);
  });

  it('waits only for a grace for a copy that it has never heard if there may be pairs (R12)', () => {
    world.assign(a, b, c);
    a.set('k', 'v');
    world.settle();
    world.cut(c, b);
    world.commit({ kind: 'promote', copy: b.bootId, instead: a.bootId });
    world.pass(2400);
    expect(world.requestKinds).toEqual([]);
    world.pass(300);
    expect(world.grant()).toEqual([{ kind: 'remove', by: b.bootId, copy: c.bootId }]);
  });

  it('waits for a copy that was the primary long ago, and has had no reason to send beacons since', () => {
    world.assign(c, a, b);
    world.commit({ kind: 'promote', copy: a.bootId, instead: c.bootId });
    world.pass(5000);
    world.requests = [];
    world.cut(c, b);
    world.commit({ kind: 'promote', copy: b.bootId, instead: a.bootId });
    world.pass(500);
    expect(world.requestKinds).toEqual([]);
  });

  it('waits for a former primary that it has never heard', () => {
    world.cut(a, b);
    world.commit({ kind: 'start', primary: a.bootId, instead: undefined, copies: [b.bootId] });
    world.commit({ kind: 'promote', copy: b.bootId, instead: a.bootId });
    world.pass(500);
    expect(world.requestKinds).toEqual([]);
  });

  it('waits for a grace after its start if an earlier process has had its boot id (R12)', () => {
    const restarted = world.add('d', { starts: 2 });
    world.commit({ kind: 'start', primary: restarted.bootId, instead: undefined, copies: [] });
    world.pass(100);
    expect(world.grant()).toEqual([{ kind: 'rewrite' }]);
    world.pass(2000);
    expect(restarted.isServing).toBe(false);
    world.pass(500);
    expect(restarted.isServing).toBe(true);
  });

  it('asks a former primary that is no copy any more, and waits for no lease of it then (R12)', () => {
    world.assign(a, b);
    world.commit({ kind: 'promote', copy: b.bootId, instead: a.bootId }, []);
    world.commit({ kind: 'remove', by: b.bootId, copy: a.bootId }, [b]);
    world.pass(200);
    expect([a.isServing, b.isServing]).toEqual([false, true]);
  });

  it('does not count a confirmation of an earlier epoch (R12)', () => {
    world.assign(a, b);
    world.cut(a, b);
    const { epoch } = world.commit({ kind: 'promote', copy: b.bootId, instead: a.bootId });
    const tail = { base: START_POSITION, effects: [] };
    const confirm = (epoch: number) =>
      b.replica.receive(a.bootId, { kind: 'confirmation', partition: PARTITION, epoch, tail });
    const waiting = { message: expect.stringContaining('takes the partition over') };
    confirm(epoch - 1);
    expect(b.set('k', 'v').answer).toMatchObject(waiting);
    confirm(epoch);
    expect(b.set('k', 'v').answer).not.toMatchObject(waiting);
  });

  it('of a new partition waits for copies that it has never heard, before it asks to remove them', () => {
    world.cut(b, a);
    world.commit({ kind: 'start', primary: a.bootId, instead: undefined, copies: [b.bootId] });
    world.pass(9000);
    expect([world.requests, a.isServing]).toEqual([[], false]);
    world.mend();
    world.pass(BEACON_ROUND_MS);
    expect([world.requests, a.isServing, world.entry.inSync]).toEqual([[], true, [a.bootId, b.bootId]]);
  });

  it('of a new partition goes on without a copy that never comes', () => {
    world.cut(b, a);
    world.commit({ kind: 'start', primary: a.bootId, instead: undefined, copies: [b.bootId] });
    world.pass(10_500);
    world.grant();
    world.pass(200);
    expect([world.entry.inSync, a.isServing]).toEqual([[a.bootId], true]);
  });

  it('asks at once to remove a copy that has ended', () => {
    world.assign(a, b, c);
    world.cut(b, c);
    world.topology = endProcess(world.topology, { bootId: c.bootId, isDurable: false });
    world.commit({ kind: 'promote', copy: b.bootId, instead: a.bootId });
    world.pass(400);
    expect(world.grant()).toEqual([{ kind: 'remove', by: b.bootId, copy: c.bootId }]);
    expect(b.isServing).toBe(true);
  });

  it('asks at once to remove a former primary that was silent for a grace', () => {
    world.assign(a, b);
    world.pass(BEACON_ROUND_MS);
    world.cut(a, b);
    world.pass(PAST_GRACE_MS);
    b.answerReads();
    world.grant('promote');
    world.pass(200);
    world.grant();
    world.pass(200);
    expect([world.entry.inSync, b.isServing]).toEqual([[b.bootId], true]);
    // It may come back soon, and gets copies then.
    expect(b.replica.takeFailures()).toEqual([]);
  });

  it('has every effect that any copy has, before it serves, because copies keep what another may lack (R8, R12)', () => {
    world.assign(a, b, c);
    world.cut(a, b);
    a.set('k', 'v');
    world.settle();
    world.mend();
    world.commit({ kind: 'promote', copy: b.bootId, instead: a.bootId });
    world.pass(1000);
    expect(b.isServing).toBe(true);
    expect(b.read('k').answer).toMatchObject({ kind: 'done', result: 'v' });
    expect(b.pairs).toEqual({ k: 'v' });
  });

  it('removes a copy whose effects differ (R12)', () => {
    world.assign(a, b, c);
    world.cut(a, b);
    world.cut(a, c);
    a.set('k', 'v');
    world.commit({ kind: 'promote', copy: b.bootId, instead: a.bootId }, [b, c]);
    world.pass(PAST_GRACE_MS);
    world.grant('remove');
    world.pass(3000);
    expect(b.isServing).toBe(true);
    b.set('l', 'w');
    world.mend();
    world.settle();
    expect([world.entry.inSync, b.pairs, c.pairs]).toEqual([[b.bootId, c.bootId], { l: 'w' }, { l: 'w' }]);
  });

  it('that was one before its process started waits for a later epoch (R13)', () => {
    const restarted = world.add('d', { starts: 2 });
    world.commit({ kind: 'start', primary: restarted.bootId, instead: undefined, copies: [] });
    world.pass(3000);
    expect(restarted.isServing).toBe(false);
    // No proxy has got the request, so it is repeated.
    world.requests = [];
    world.pass(1000);
    expect(world.grant()).toEqual([{ kind: 'rewrite' }]);
    world.pass(100);
    expect(restarted.isServing).toBe(true);
  });
});

describe('a hand-over', () => {
  it('lets calls wait, and no write fails (R14)', () => {
    world.assign(a, b);
    const before = a.set('k', 'v');
    a.replica.handOver([[PARTITION, b.bootId]]);
    expect(world.requests).toEqual([]);
    const [meanwhile, read] = [a.set('k', 'w'), a.read('k')];
    world.settle();
    expect([before.answer, meanwhile.answer, read.answer]).toMatchObject([done, undefined, undefined]);
    expect(world.grant()).toEqual([{ kind: 'promote', copy: b.bootId, instead: a.bootId }]);
    world.pass(200);
    const elsewhere = refused('wrong_node');
    expect([meanwhile.answer, read.answer]).toMatchObject([elsewhere, elsewhere]);
    expect([a.isServing, b.isServing, b.pairs]).toEqual([false, true, { k: 'v' }]);
  });

  it('begins only to another node that has a copy in sync', () => {
    world.assign(a, b);
    for (const { bootId } of [a, c]) expect(a.replica.handOver([[PARTITION, bootId]])).toEqual([]);
    const write = a.set('k', 'v');
    world.settle();
    expect(write.answer).toMatchObject(done);
  });

  it('does not begin beyond the number that may', () => {
    world.assign(a, b);
    expect(a.replica.handOver([[PARTITION, b.bootId]], 0)).toEqual([]);
    expect(a.set('k', 'v').answer).toBeUndefined();
    world.settle();
    expect(b.pairs).toEqual({ k: 'v' });
  });

  it('begins once, and only from a node that serves', () => {
    world.assign(a, b);
    const handOver = () => a.replica.handOver([[PARTITION, b.bootId]]);
    expect([handOver(), handOver()]).toEqual([[PARTITION], []]);
    world.cut(a, b);
    world.commit({ kind: 'promote', copy: b.bootId, instead: a.bootId });
    world.settle();
    expect(b.replica.handOver([[PARTITION, a.bootId]])).toEqual([]);
  });

  it('is known to the copy as soon as to the primary (R14)', () => {
    world.assign(a, b);
    a.replica.handOver([[PARTITION, b.bootId]]);
    const { epoch } = world.commit({ kind: 'promote', copy: b.bootId, instead: a.bootId }, [a]);
    world.settle();
    expect(b.replica.epochOf(PARTITION)).toBe(epoch);
  });

  it('goes on with the calls if another change came first', () => {
    world.assign(a, b);
    a.replica.handOver([[PARTITION, b.bootId]]);
    const meanwhile = a.set('k', 'w');
    world.commit({ kind: 'rewrite' });
    world.settle();
    expect(meanwhile.answer).toMatchObject(done);
  });

  it('that no proxy answers stops the calls only for a moment, and can be asked for again later', () => {
    world.assign(a, b);
    a.replica.handOver([[PARTITION, b.bootId]]);
    const meanwhile = a.set('k', 'v');
    world.pass(1700);
    expect([meanwhile.answer, a.isServing]).toMatchObject([done, true]);
    expect(a.replica.handOver([[PARTITION, b.bootId]])).toEqual([]);
    world.pass(10_000);
    expect(world.requests.at(-1)?.change).toEqual({ kind: 'rewrite' });
    expect([a.set('k', 'w').answer, world.requests.at(-1)?.change]).toMatchObject([
      undefined,
      { kind: 'rewrite' },
    ]);
    world.settle();
    world.requests = world.requests.slice(-1);
    world.grant();
    a.replica.handOver([[PARTITION, b.bootId]]);
    world.grant();
    world.pass(200);
    expect([b.isServing, b.pairs]).toEqual([true, { k: 'w' }]);
  });

  it('that a proxy makes late takes the calls from a primary that serves again', () => {
    world.assign(a, b);
    a.replica.handOver([[PARTITION, b.bootId]]);
    world.pass(1700);
    const write = a.set('k', 'v');
    world.settle();
    world.commit({ kind: 'promote', copy: b.bootId, instead: a.bootId }, [b]);
    world.pass(1000);
    expect([write.answer, a.isServing, b.isServing, b.pairs]).toMatchObject([done, false, true, { k: 'v' }]);
  });
});

import { keyId, stringKey, stringValue } from '@kvs/protocol';
import { done, PARTITION, PAST_GRACE_MS, worldOfThree, type Member, type World } from '../test/world.js';
import type { Message } from './messages.js';
import { START_POSITION } from './position.js';

let world: World;
let a: Member;
let b: Member;
let c: Member;

beforeEach(() => {
  ({ world, a, b, c } = worldOfThree());
});

/** Returns a list that will have the number of effects in each message with effects. */
function effectsSent(): number[] {
  const sent: number[] = [];
  const send = world.send.bind(world);
  world.send = (from, to, message) => {
    if (message.kind === 'effects' && message.effects.length > 0) sent.push(message.effects.length);
    send(from, to, message);
  };
  return sent;
}

/** Neither hears the other. */
function separate(one: Member, other: Member): void {
  world.cut(one, other);
  world.cut(other, one);
}

describe('a hand-over to a copy that dies', () => {
  it('is settled by another request, and calls go on (R2, R14)', () => {
    world.assign(a, b, c);
    a.replica.handOver([[PARTITION, b.bootId]]);
    separate(a, b);
    separate(c, b);
    world.requests = [];
    world.pass(5000);
    expect(world.requestKinds).toContain('rewrite');
    world.grant('rewrite', 'remove');
    world.pass(3000);
    world.grant('rewrite', 'remove');
    world.pass(600);
    const write = a.set('k', 'v');
    world.settle();
    expect([world.entry.inSync, write.answer]).toMatchObject([[a.bootId, c.bootId], done]);
  });
});

describe('a new primary that waits for a silent copy', () => {
  it('is not challenged by the other copies (R11, R12)', () => {
    world.assign(a, b, c);
    separate(a, b);
    separate(a, c);
    world.requests = [];
    world.commit({ kind: 'promote', copy: b.bootId, instead: a.bootId }, [b, c]);
    for (let i = 0; i < 30; i++) {
      world.pass(100);
      c.answerReads();
    }
    expect(new Set(world.requestKinds)).toEqual(new Set(['remove']));
    world.grant();
    world.pass(300);
    expect([world.entry.inSync, b.isServing]).toEqual([[b.bootId, c.bootId], true]);
  });

  it('is challenged if that takes long', () => {
    world.assign(a, b, c);
    separate(a, b);
    separate(a, c);
    world.commit({ kind: 'promote', copy: b.bootId, instead: a.bootId }, [b, c]);
    for (let i = 0; i < 90; i++) {
      world.pass(100);
      c.answerReads();
    }
    expect(world.requestKinds).toContain('promote');
  });
});

describe('a primary that stood still', () => {
  it('does not accuse its copies of the time that its own engine took (R5)', () => {
    world.assign(a, b, c);
    a.engine.waiting = [];
    const write = a.set('k', 'v');
    world.pass(2000);
    for (const run of a.engine.waiting.splice(0)) run();
    a.engine.waiting = undefined;
    a.replica.tick();
    world.settle();
    expect([write.answer, world.requestKinds]).toMatchObject([done, []]);
  });

  it.each([1000, 2000, 2400])('asks idle copies before it accuses them, after %d ms (R5)', (ms) => {
    world.assign(a, b, c);
    world.pass(200);
    world.requests = [];
    world.pause(a);
    for (const endMs = world.nowMs + ms; world.nowMs < endMs;) {
      world.nowMs += 100;
      b.replica.tick();
      c.replica.tick();
      world.settle();
    }
    world.resume(a);
    world.pass(600);
    expect([world.requestKinds, a.isServing]).toEqual([[], true]);
  });

  it('reads its input before it accuses its copies (R5)', () => {
    world.assign(a, b, c);
    const write = a.set('k', 'v');
    world.pause(a);
    world.settle();
    world.nowMs += 1500;
    world.resume(a);
    world.pass(600);
    expect([write.answer, world.requestKinds]).toMatchObject([done, []]);
  });
});

describe('a learner that dies when it has all pairs', () => {
  it('stops writes only until the request to add it is settled (R2, R16)', () => {
    world.assign(a);
    a.set('k', 'v');
    world.commit({ kind: 'nameLearner', learner: b.bootId });
    for (let i = 0; i < 100 && a.replica.fills().length === 0; i++) world.pass(100);
    separate(a, b);
    world.pass(4000);
    world.grant('rewrite');
    world.pass(1500);
    expect(a.set('k', 'w').answer).toMatchObject(done);
    expect(a.replica.takeFailures()).toMatchObject([{ copy: b.bootId }]);
  });
});

describe('a learner that has all pairs when the entry changes', () => {
  it('is asked to be added again, and not filled again (R1, R16)', () => {
    world.assign(a);
    a.set('k', 'v');
    world.commit({ kind: 'nameLearner', learner: b.bootId });
    world.pass(2000);
    world.requests = [];
    world.commit({ kind: 'rewrite' });
    world.pass(200);
    expect([world.requestKinds, a.replica.takeFailures()]).toEqual([['add'], []]);
  });
});

describe('a copy whose engine fails', () => {
  it('claims no effect that it did not store, and goes on from where it is, as a primary and as a copy again (R7)', () => {
    world.assign(a, b, c);
    b.engine.results.apply = ['unavailable'];
    a.set('k', 'v');
    world.settle();
    // The primary sends it again meanwhile.
    world.pass(600);
    expect(b.replica.states()).toMatchObject([{ position: { number: 0 } }]);
    world.requests = [];
    world.commit({ kind: 'promote', copy: b.bootId, instead: a.bootId });
    world.pass(1000);
    expect([b.isServing, b.pairs, b.engine.position(PARTITION).number]).toEqual([true, { k: 'v' }, 1]);
    world.commit({ kind: 'promote', copy: a.bootId, instead: b.bootId });
    world.pass(1000);
    const write = a.set('l', 'w');
    world.settle();
    expect([write.answer, b.pairs]).toMatchObject([{ kind: 'done' }, { k: 'v', l: 'w' }]);
  });

  it('applies no effect after one that it did not store (R7)', () => {
    world.assign(a, b, c);
    const waiting: (() => void)[] = (b.engine.waiting = []);
    b.engine.results.apply = ['unavailable'];
    for (const key of ['k', 'l']) {
      a.set(key, 'v');
      world.settle();
    }
    for (let run = waiting.shift(); run !== undefined; run = waiting.shift()) run();
    expect([b.pairs, b.engine.position(PARTITION)]).toEqual([{}, START_POSITION]);
  });

  it('tries again if it cannot store what a new primary must take from others (R12)', () => {
    world.assign(a, b, c);
    world.cut(a, b);
    a.set('k', 'v');
    world.settle();
    world.mend();
    b.engine.results.apply = ['unavailable'];
    world.commit({ kind: 'promote', copy: b.bootId, instead: a.bootId });
    world.pass(1000);
    expect([b.isServing, b.pairs]).toEqual([true, { k: 'v' }]);
  });
});

describe('a write that waits for the engine when the node loses the role', () => {
  it('is not done any more', () => {
    world.assign(a, b);
    a.engine.waiting = [];
    const [first, second] = [a.set('k', 'v'), a.set('l', 'w')];
    world.commit({ kind: 'promote', copy: b.bootId, instead: a.bootId });
    for (let run = a.engine.waiting.shift(); run !== undefined; run = a.engine.waiting.shift()) run();
    a.engine.waiting = undefined;
    world.pass(1000);
    expect([first.answer, second.answer]).toMatchObject([{ kind: 'maybeApplied' }, { kind: 'maybeApplied' }]);
    expect([b.isServing, a.pairs, b.pairs]).toEqual([true, { k: 'v' }, { k: 'v' }]);
  });

  it('leaves no trace in a copy that is filled anew', () => {
    world.assign(a, b);
    a.engine.waiting = [];
    a.set('k', 'v');
    separate(a, b);
    world.commit({ kind: 'promote', copy: b.bootId, instead: a.bootId });
    world.pass(PAST_GRACE_MS);
    world.grant('remove');
    world.pass(3000);
    world.mend();
    world.commit({ kind: 'nameLearner', learner: a.bootId });
    world.settle();
    for (let run = a.engine.waiting.shift(); run !== undefined; run = a.engine.waiting.shift()) run();
    a.engine.waiting = undefined;
    b.replica.takeFailures();
    b.set('l', 'w');
    world.pass(2000);
    world.grant();
    expect(b.replica.takeFailures()).toEqual([]);
    expect([world.entry.inSync, a.pairs]).toEqual([[b.bootId, a.bootId], { l: 'w' }]);
  });
});

describe('a write that the engine has not finished when too few copies are left', () => {
  it('ends as perhaps applied (R5)', () => {
    world.topology = { ...world.topology, minInSync: 2 };
    world.assign(a, b);
    a.engine.waiting = [];
    const write = a.set('k', 'v');
    world.commit({ kind: 'remove', by: a.bootId, copy: b.bootId });
    for (const run of a.engine.waiting.splice(0)) run();
    expect(write.answer).toMatchObject({ kind: 'maybeApplied' });
  });
});

describe('a former primary that hears nothing and goes on sending beacons', () => {
  it('stops its successor for one grace, and no longer (R12)', () => {
    world.assign(a, b, c);
    world.cut(b, a);
    world.cut(c, a);
    world.commit({ kind: 'promote', copy: b.bootId, instead: a.bootId }, [b, c]);
    world.pass(1500);
    world.requests = [];
    world.commit({ kind: 'remove', by: b.bootId, copy: a.bootId }, [b, c]);
    world.pass(500);
    expect(b.isServing).toBe(false);
    world.pass(1000);
    expect([a.isServing, b.isServing]).toEqual([false, true]);
  });
});

describe('a copy that falls behind', () => {
  const big = 'x'.repeat(2 ** 21);

  it('makes writers wait before the tail takes too much, and they go on when it has caught up (R20)', () => {
    world.assign(a, b);
    world.cut(b, a);
    a.set('k', big);
    const second = a.set('l', 'w');
    world.settle();
    expect([second.answer, Object.keys(a.pairs)]).toEqual([undefined, ['k']]);
    world.mend();
    world.pass(600);
    expect([second.answer, Object.keys(a.pairs)]).toMatchObject([done, ['k', 'l']]);
  });

  it('gets what it lacks in messages of some 256 KiB, and few effects at once', () => {
    world.assign(a, b);
    const sent = effectsSent();
    world.cut(a, b);
    for (const key of ['k', 'l', 'm']) a.set(key, 'x'.repeat(300_000));
    world.pass(1000);
    world.mend();
    sent.length = 0;
    world.pass(600);
    expect([sent, b.replica.states()]).toMatchObject([[1, 1, 1], [{ position: { number: 3 } }]]);
    world.cut(b, a);
    const item = { id: keyId(stringKey('k')), partition: PARTITION, value: stringValue('v') };
    const items = new Array(20_000).fill({ ...item, expiresAtMs: undefined, ifVersion: undefined });
    a.replica.write(PARTITION, { kind: 'set', items }, 0, () => undefined);
    world.settle();
    const count = () => b.replica.states()[0]?.position.number;
    expect(count()).toBeLessThan(13_000);
    world.mend();
    world.pass(1000);
    expect(count()).toBe(20_003);
  });

  it('but acknowledges something all the time gets each effect once, also after a rest', () => {
    world.assign(a, b);
    world.pass(2000);
    const answers: (() => void)[] = [];
    const send = world.send.bind(world);
    world.send = (from, to, message) => {
      if (message.kind === 'effectsAnswer') answers.push(() => send(from, to, message));
      else send(from, to, message);
    };
    const sent = effectsSent();
    for (let i = 0; i < 20; i++) {
      a.set('k', `${i}`);
      world.pass(100);
      if (answers.length > 3) answers.shift()?.();
    }
    expect(sent).toEqual(new Array(20).fill(1));
  });

  it('does not make readers wait (R20)', () => {
    world.assign(a, b);
    world.cut(b, a);
    a.set('k', big);
    expect(a.read('other').answer).toMatchObject(done);
  });

  it('in many partitions makes writers wait once all tails together take too much (R20)', () => {
    world.assign(a, b);
    const { entry } = world;
    const partitions = world.topology.partitions.map((one, i) => (i < 40 ? { ...entry, epoch: 3 } : one));
    world.topology = { ...world.topology, revision: 3, partitions };
    for (const { replica } of world.members.values()) replica.learn(world.topology);
    world.pass(600);
    world.cut(b, a);
    const half = big.slice(2 ** 20);
    for (let partition = 0; partition < 35; partition++) a.set('k', half, undefined, partition);
    const before = a.set('l', half, undefined, 0);
    world.pass(100);
    const after = a.set('m', 'w', undefined, 1);
    const elsewhere = a.set('l', 'w', undefined, 36);
    expect([0, 1, 36].map((partition) => a.engine.entries(partition).size)).toEqual([2, 1, 1]);
    world.mend();
    world.pass(600);
    expect([before.answer, after.answer, elsewhere.answer]).toMatchObject([done, done, done]);
    world.pass(100);
    expect(a.replica.tailBytes).toBeLessThan(2 ** 20);
  });
});

describe('a learner that hangs while the partition is written', () => {
  it('is given up, so that writers need not wait for it (R20)', () => {
    world.assign(a);
    world.commit({ kind: 'nameLearner', learner: b.bootId });
    b.engine.waiting = [];
    world.pass(100);
    a.set('k', 'x'.repeat(2 ** 21));
    const waiting = a.set('l', 'w');
    expect(waiting.answer).toBeUndefined();
    world.pass(1400);
    expect(waiting.answer).toMatchObject(done);
  });
});

describe('a learner that stores its pairs slowly while the partition is written', () => {
  it('is not given up although writers wait for it (R20)', () => {
    world.assign(a);
    for (const key of ['k', 'l', 'm']) a.set(key, 'v');
    world.commit({ kind: 'nameLearner', learner: b.bootId });
    const waiting: (() => void)[] = (b.engine.waiting = []);
    world.pass(100);
    a.set('k', 'x'.repeat(2 ** 21));
    for (let i = 0; i < 10; i++) {
      world.pass(400);
      waiting.shift()?.();
      world.settle();
    }
    expect([b.pairs['k']?.length, a.replica.takeFailures()]).toEqual([2 ** 21, []]);
  });
});

describe('a confirmation', () => {
  it('keeps its effects although the copy forgets them before it is sent (R12)', () => {
    world.assign(a, b, c);
    world.cut(c, a);
    a.set('k', 'v');
    world.settle();
    const sent: Message[] = [];
    world.send = (_from, _to, message) => void sent.push(message);
    b.replica.receive(a.bootId, {
      kind: 'newPrimary',
      partition: PARTITION,
      entry: world.entry,
      position: START_POSITION,
    });
    const { position } = b.replica.states()[0] ?? {};
    b.replica.receive(a.bootId, {
      kind: 'effects',
      partition: PARTITION,
      epoch: world.entry.epoch,
      fillId: undefined,
      previous: position ?? { epoch: 0, number: 0 },
      effects: [],
      trimUpTo: 1,
      highestVersion: 1,
    });
    expect(b.replica.states()).toMatchObject([{ tailBytes: 0 }]);
    expect(sent).toMatchObject([
      { kind: 'confirmation', tail: { effects: [{ position }] } },
      { kind: 'effectsAnswer' },
    ]);
  });
});

describe('copies after the last write', () => {
  beforeEach(() => {
    world.assign(a, b, c);
    a.set('k', 'x'.repeat(300_000));
    world.settle();
  });

  const tails = () => [a, b, c].map(({ replica }) => replica.states()[0]?.tailBytes);

  it('keep its effect until they are told that all have it, and then the primary rests', () => {
    expect(tails()).toEqual([0, expect.any(Number), expect.any(Number)]);
    expect(Math.min(...tails().slice(1).map(Number))).toBeGreaterThan(300_000);
    world.pass(1500);
    expect(tails()).toEqual([0, 0, 0]);
    const sent: Message[] = [];
    world.send = (_from, _to, message) => void sent.push(message);
    world.pass(1000);
    expect(sent.filter(({ kind }) => kind === 'effects')).toEqual([]);
  });

  it('do not send a new primary what it has (R12)', () => {
    const confirmed: Message[] = [];
    const send = world.send.bind(world);
    world.send = (from, to, message) => {
      if (message.kind === 'confirmation') confirmed.push(message);
      send(from, to, message);
    };
    world.commit({ kind: 'promote', copy: b.bootId, instead: a.bootId });
    world.pass(1000);
    expect([b.isServing, world.requestKinds, confirmed.length > 0]).toEqual([true, [], true]);
    expect(
      confirmed.filter((message) => message.kind === 'confirmation' && message.tail?.effects.length !== 0),
    ).toEqual([]);
  });
});

describe('a takeover from copies that have many effects in their tails', () => {
  beforeEach(() => {
    world.assign(a, b, c);
    world.cut(c, a);
    for (const key of ['k', 'l', 'm']) a.set(key, 'x'.repeat(300_000));
    world.settle();
  });

  it('needs no message with all of them, and no copy is lost (R12)', () => {
    let largest = 0;
    const send = world.send.bind(world);
    world.send = (from, to, message) => {
      largest = Math.max(largest, JSON.stringify(message).length);
      send(from, to, message);
    };
    world.commit({ kind: 'promote', copy: b.bootId, instead: a.bootId });
    world.pass(1000);
    expect([b.isServing, world.requestKinds, Object.keys(c.pairs)]).toEqual([true, [], ['k', 'l', 'm']]);
    expect(largest).toBeLessThan(700_000);
  });

  it('ends also if the other copies have more of them than the new primary (R12)', () => {
    const d = world.add('d');
    d.replica.learn(world.topology);
    world.cut(a, d);
    world.mend();
    world.commit({ kind: 'nameLearner', learner: d.bootId });
    world.pass(2500);
    world.grant();
    world.cut(a, d);
    for (const key of ['n', 'o', 'p']) a.set(key, 'x'.repeat(300_000));
    world.settle();
    world.mend();
    world.commit({ kind: 'promote', copy: d.bootId, instead: a.bootId });
    world.pass(1000);
    const write = d.set('q', 'v');
    for (let i = 0; i < 3; i++) {
      world.pass(600);
      world.grant();
    }
    expect([d.isServing, write.answer]).toMatchObject([true, done]);
    expect(world.entry.inSync.every((copy) => 'q' in (world.members.get(copy)?.pairs ?? {}))).toBe(true);
  });
});

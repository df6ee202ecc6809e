import { newTopology } from '@kvs/topology';
import { MapEngine } from '../test/map-engine.js';
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
import type { Message } from './messages.js';
import { START_POSITION } from './position.js';

let world: World;
let a: Member;
let b: Member;
let c: Member;

beforeEach(() => {
  ({ world, a, b, c } = worldOfThree());
});

describe('a copy', () => {
  it('reads the topology before it asks to take the place of a silent primary, and then acknowledges nothing more (R11)', () => {
    world.assign(a, b);
    world.cut(a, b);
    world.pass(PAST_GRACE_MS);
    expect(world.requests.filter(({ change }) => change.kind === 'promote')).toEqual([]);
    b.answerReads();
    expect(world.requests.map(({ change }) => change)).toContainEqual({
      kind: 'promote',
      copy: b.bootId,
      instead: a.bootId,
    });
    world.mend();
    world.requests = [];
    world.pass(600);
    expect(a.set('k', 'v').answer).toMatchObject(refused('wrong_node'));
    expect(b.pairs).toEqual({});
  });

  it('reads the topology again soon if no proxy answers (R11)', () => {
    world.assign(a, b);
    world.cut(a, b);
    world.pass(PAST_GRACE_MS);
    expect(b.reads).toHaveLength(1);
    b.reads = [];
    world.pass(600);
    expect(b.reads).toHaveLength(1);
    b.answerReads();
    expect(world.requests.map(({ change }) => change.kind)).toContain('promote');
  });

  it('gives a new primary the usual time before it takes it for silent (R11)', () => {
    world.assign(a, b, c);
    world.pass(5000);
    world.commit({ kind: 'promote', copy: b.bootId, instead: a.bootId }, [c]);
    world.pass(2400);
    expect(c.reads).toEqual([]);
    world.pass(300);
    expect(c.reads).toHaveLength(1);
  });

  it('does not ask if a beacon was in its input', () => {
    world.assign(a, b);
    world.cut(a, b);
    world.pass(PAST_GRACE_MS);
    world.mend();
    world.pass(BEACON_ROUND_MS);
    b.answerReads();
    expect(world.requests.filter(({ change }) => change.kind === 'promote')).toEqual([]);
  });

  it('acknowledges again when its request was settled by a later epoch', () => {
    world.assign(a, b);
    world.cut(a, b);
    world.pass(PAST_GRACE_MS);
    b.answerReads();
    world.requests = [];
    world.mend();
    world.commit({ kind: 'rewrite' });
    world.pass(BEACON_ROUND_MS);
    expect(a.isServing).toBe(true);
  });

  it('believes no entry of an epoch that the topology will not reach in years, but reads the topology', () => {
    world.assign(a, b);
    const { revision } = b.replica;
    const lie = { ...world.entry, epoch: Number.MAX_SAFE_INTEGER };
    b.replica.receive(c.bootId, { kind: 'entry', partition: PARTITION, entry: lie });
    world.settle();
    expect([b.replica.revision, b.reads.length]).toEqual([revision, 1]);
    world.pass(3000);
    expect(a.isServing).toBe(true);
  });

  it('that is told of later epochs reads the topology once, and again after the answer', () => {
    world.assign(a, b);
    const lie = { ...world.entry, epoch: Number.MAX_SAFE_INTEGER };
    const tell = () => b.replica.receive(c.bootId, { kind: 'entry', partition: PARTITION, entry: lie });
    tell();
    tell();
    expect(b.reads).toHaveLength(1);
    b.answerReads();
    tell();
    expect(b.reads).toHaveLength(1);
  });

  it('that is in sync is not one that could bring the partition back (R18)', () => {
    world.assign(a, b);
    expect([a, b].map(({ replica }) => replica.heldPartitions())).toEqual([[], []]);
  });

  it('refuses effects of an earlier epoch of the same primary, which sends them again at the new one (R7)', () => {
    world.assign(a, b);
    world.commit({ kind: 'rewrite' }, [b]);
    world.cut(b, a);
    const write = a.set('k', 'v');
    world.settle();
    expect(b.pairs).toEqual({});
    world.mend();
    world.pass(600);
    expect([write.answer, b.pairs]).toMatchObject([done, { k: 'v' }]);
  });

  it('learns a later epoch from the effects of its primary (R7)', () => {
    world.assign(a, b);
    world.cut(a, b);
    world.commit({ kind: 'rewrite' }, [a]);
    world.settle();
    world.mend();
    const write = a.set('k', 'v');
    world.settle();
    expect(b.replica.epochOf(PARTITION)).toBe(world.entry.epoch);
    world.pass(600);
    expect(write.answer).toMatchObject(done);
  });

  it('refuses effects of a lower epoch, and tells the newer entry (R7)', () => {
    world.assign(a, b, c);
    world.commit({ kind: 'promote', copy: b.bootId, instead: a.bootId }, [b, c]);
    a.set('k', 'v');
    world.settle();
    expect(c.pairs).toEqual({});
    expect(a.set('l', 'w').answer).toMatchObject(refused('wrong_node'));
  });

  it('does not acknowledge an effect that it has stored only after it learned of a later epoch (R7)', () => {
    world.assign(a, b, c);
    b.engine.waiting = [];
    const write = a.set('k', 'v');
    world.settle();
    world.commit({ kind: 'promote', copy: c.bootId, instead: a.bootId }, [b]);
    for (const run of b.engine.waiting.splice(0)) run();
    world.settle();
    expect([b.pairs, write.answer]).toEqual([{ k: 'v' }, undefined]);
  });

  it('does not acknowledge an effect that it has stored only after it asked for the place of the primary (R11)', () => {
    world.assign(a, b);
    b.engine.waiting = [];
    const write = a.set('k', 'v');
    world.settle();
    world.cut(a, b);
    world.pass(PAST_GRACE_MS);
    b.answerReads();
    expect(world.requests.map(({ change }) => change.kind)).toContain('promote');
    for (const run of b.engine.waiting.splice(0)) run();
    world.settle();
    expect([b.pairs, write.answer]).toEqual([{ k: 'v' }, undefined]);
  });

  it('that has lost effects which it acknowledged is removed, also if nothing is written any more', () => {
    world.assign(a, b);
    a.set('k', 'v');
    world.pass(1500);
    const restarted = world.add('b', { starts: 2 });
    restarted.replica.learn(world.topology);
    world.commit({ kind: 'rewrite' });
    world.settle();
    expect(world.grant()).toEqual([{ kind: 'remove', by: a.bootId, copy: b.bootId }]);
  });

  it('that acknowledges another effect than the primary has made is removed', () => {
    world.assign(a, b, c);
    world.cut(b, a);
    world.cut(c, a);
    a.set('k', 'v');
    a.replica.receive(b.bootId, {
      kind: 'effectsAnswer',
      partition: PARTITION,
      epoch: world.entry.epoch,
      fillId: undefined,
      position: { epoch: 1, number: 1 },
      hasGap: false,
      isFull: false,
      failure: undefined,
    });
    expect(world.grant()).toEqual([{ kind: 'remove', by: a.bootId, copy: b.bootId }]);
  });

  it('that acknowledges again stays if another change came before its removal', () => {
    world.assign(a, b);
    world.cut(a, b);
    const write = a.set('k', 'v');
    world.pass(1500);
    expect(world.requestKinds).toEqual(['remove']);
    world.mend();
    world.requests = [];
    world.commit({ kind: 'rewrite' });
    world.settle();
    world.pass(1000);
    expect([write.answer, world.requestKinds]).toMatchObject([done, []]);
  });

  it('gets effects again that were lost with its connection as soon as that is back', () => {
    world.assign(a, b);
    world.cut(a, b);
    const write = a.set('k', 'v');
    world.settle();
    world.mend();
    a.replica.peerUp(b.bootId);
    world.settle();
    expect(write.answer).toMatchObject(done);
  });

  it('gets effects again that were lost (R7)', () => {
    world.assign(a, b);
    world.cut(a, b);
    const first = a.set('k', 'v');
    world.settle();
    world.mend();
    const second = a.set('l', 'w');
    world.settle();
    expect([first.answer, second.answer]).toMatchObject([done, done]);
    expect(b.pairs).toEqual({ k: 'v', l: 'w' });
  });
});

describe('a copy of a partition that starts', () => {
  it('has no pairs of a fill that did not end, even if the engine can delete them only later', () => {
    b.engine.clear(PARTITION, START_POSITION, 'incomplete', () => undefined);
    b.engine.fill(PARTITION, [pairOf('old', 'x')], () => undefined);
    const restarted = world.add('b', { engine: b.engine });
    restarted.engine.results.clear = ['unavailable', 'unavailable'];
    world.assign(a, restarted);
    expect(restarted.pairs).toEqual({});
    const write = a.set('k', 'v');
    world.settle();
    expect([write.answer, restarted.pairs]).toMatchObject([done, { k: 'v' }]);
  });
});

describe('a node without a role in a partition', () => {
  beforeEach(() => {
    world.assign(a, b);
    a.set('k', 'v');
    world.settle();
  });

  /** The primary ends, and the other node starts the partition, with versions above 1000. */
  function startAfterLoss(): void {
    world.members.delete(a.bootId);
    world.topology = { ...world.topology, versionCeiling: 1000 };
    world.commit({ kind: 'start', primary: b.bootId, instead: a.bootId, copies: [] });
  }

  it('drops its pairs when the primary has confirmed that it is there (R17)', () => {
    world.cut(b, a);
    world.commit({ kind: 'remove', by: a.bootId, copy: b.bootId });
    world.pass(1500);
    expect([b.pairs, b.replica.heldPartitions()]).toMatchObject([{ k: 'v' }, [{ partition: PARTITION }]]);
    world.mend();
    world.pass(1500);
    expect([b.pairs, b.replica.heldPartitions()]).toEqual([{}, []]);
  });

  it('keeps its pairs if its process is about to end, because they may be the last ones (R17)', () => {
    b.replica.leave();
    world.commit({ kind: 'remove', by: a.bootId, copy: b.bootId });
    world.pass(3000);
    expect(b.pairs).toEqual({ k: 'v' });
  });

  it('drops the pairs of a fill from a position without effects that was given up (R17)', () => {
    const engine = new MapEngine();
    engine.fill(PARTITION, [pairOf('k', 'v')], () => undefined);
    const old = world.add('d', { engine });
    world.assign(old);
    engine.waiting = [];
    world.commit({ kind: 'nameLearner', learner: c.bootId });
    world.pass(200);
    engine.waiting.shift()?.();
    world.settle();
    expect(c.pairs).toEqual({ k: 'v' });
    world.commit({ kind: 'withdrawLearner', learner: c.bootId });
    world.pass(1500);
    expect(c.pairs).toEqual({});
  });

  it('drops the pairs of a fill that the process before it began (R17)', () => {
    c.engine.clear(PARTITION, START_POSITION, 'incomplete', () => undefined);
    c.engine.fill(PARTITION, [pairOf('k', 'v')], () => undefined);
    const restarted = world.add('c', { engine: c.engine });
    restarted.replica.learn(world.topology);
    expect([restarted.pairs, restarted.replica.heldPartitions()]).toEqual([{ k: 'v' }, []]);
    world.pass(1500);
    expect(restarted.pairs).toEqual({});
  });

  it('tells of pairs that it has had since before the partition was first assigned', () => {
    const engine = new MapEngine();
    engine.fill(PARTITION, [pairOf('k', 'v')], () => undefined);
    const old = world.add('d', { engine });
    old.replica.learn(newTopology({ clusterId: 'c', copies: 2, minInSync: 1 }));
    expect(old.replica.heldPartitions()).toEqual([{ partition: PARTITION, position: START_POSITION }]);
  });

  it('keeps its pairs if its process is about to end when the primary confirms (R17)', () => {
    world.cut(a, b);
    const { epoch } = world.commit({ kind: 'remove', by: a.bootId, copy: b.bootId });
    world.pass(1500);
    b.replica.leave();
    b.replica.receive(a.bootId, { kind: 'mayDropAnswer', partition: PARTITION, epoch });
    expect(b.pairs).toEqual({ k: 'v' });
  });

  it('is told to drop its pairs only by a primary that serves, and at its epoch (R17)', () => {
    const answers: Message[] = [];
    const { receive } = c.replica;
    c.replica.receive = (from, message) => {
      if (message.kind === 'mayDropAnswer') answers.push(message);
      receive.call(c.replica, from, message);
    };
    const ask = (epoch: number) => {
      b.replica.receive(c.bootId, { kind: 'mayDrop', partition: PARTITION, epoch });
      world.settle();
    };
    world.cut(b, a);
    const { epoch } = world.commit({ kind: 'promote', copy: b.bootId, instead: a.bootId }, [b, c]);
    ask(epoch);
    expect([b.isServing, answers]).toEqual([false, []]);
    world.mend();
    world.pass(1000);
    ask(epoch - 1);
    expect([b.isServing, answers]).toEqual([true, []]);
    ask(epoch);
    expect(answers).toHaveLength(1);
  });

  it('does not drop by a confirmation of another process than the primary that it asks (R17)', () => {
    world.cut(b, a);
    const { epoch } = world.commit({ kind: 'remove', by: a.bootId, copy: b.bootId });
    b.replica.receive(c.bootId, { kind: 'mayDropAnswer', partition: PARTITION, epoch });
    expect(b.pairs).toEqual({ k: 'v' });
    b.replica.receive(a.bootId, { kind: 'mayDropAnswer', partition: PARTITION, epoch });
    expect(b.pairs).toEqual({});
  });

  it('does not drop by a confirmation of an earlier epoch (R17)', () => {
    world.cut(b, a);
    const { epoch } = world.commit({ kind: 'remove', by: a.bootId, copy: b.bootId });
    world.commit({ kind: 'rewrite' });
    b.replica.receive(a.bootId, { kind: 'mayDropAnswer', partition: PARTITION, epoch });
    expect(b.pairs).toEqual({ k: 'v' });
  });

  it('keeps its pairs when it becomes the primary again, because all other copies are gone (R18)', () => {
    world.cut(b, a);
    world.commit({ kind: 'remove', by: a.bootId, copy: b.bootId });
    startAfterLoss();
    world.pass(3000);
    expect(b.read('k').answer).toMatchObject({ kind: 'done', result: 'v' });
    expect(b.engine.highestVersion(PARTITION)).toBeGreaterThanOrEqual(1000);
  });

  it('keeps its pairs if it was named learner again, and its fill has not begun (R18)', () => {
    world.unconnected.add(b.bootId);
    world.commit({ kind: 'remove', by: a.bootId, copy: b.bootId });
    world.commit({ kind: 'nameLearner', learner: b.bootId });
    world.pass(1000);
    const [{ position } = { position: START_POSITION }] = a.replica.states();
    expect(b.replica.heldPartitions()).toEqual([{ partition: PARTITION, position }]);
    startAfterLoss();
    world.pass(3000);
    expect(b.read('k').answer).toMatchObject({ kind: 'done', result: 'v' });
    expect(b.engine.highestVersion(PARTITION)).toBeGreaterThanOrEqual(1000);
  });

  it('serves after a loss only when the engine has raised the versions above the ceiling (R18)', () => {
    b.engine.results.apply = manyFailures();
    startAfterLoss();
    // The lease of the former primary has ended by then.
    world.pass(3000);
    expect(b.isServing).toBe(false);
    world.pass(1000);
    expect([b.isServing, b.engine.highestVersion(PARTITION)]).toEqual([true, 1000]);
  });

  it('gives versions above the ceiling, also if its process ended before it knew that it had to start (R18)', () => {
    world.members.delete(a.bootId);
    world.members.delete(b.bootId);
    world.topology = { ...world.topology, versionCeiling: 1000 };
    world.commit({ kind: 'start', primary: b.bootId, instead: a.bootId, copies: [] });
    const restarted = world.add('b', { starts: 2, engine: b.engine });
    restarted.replica.learn(world.topology);
    world.pass(3000);
    expect(world.grant()).toEqual([{ kind: 'rewrite' }]);
    expect(restarted.engine.highestVersion(PARTITION)).toBeGreaterThanOrEqual(1000);
  });
});

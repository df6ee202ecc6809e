import { keyId, stringKey, stringValue } from '@kvs/protocol';
import { endProcess, newTopology, updateSettings, type BootId, type TopologyNode } from '@kvs/topology';
import { boot } from '@kvs/topology/testing';
import { MapEngine } from '../test/map-engine.js';
import { BEACON_ROUND_MS, FILL_MS, PARTITION, PAST_GRACE_MS, World, type Member } from '../test/world.js';
import { MAX_PEERS } from './leases.js';
import { NOT_BEGUN, type Confirmation, type Message } from './messages.js';
import type { ApplyResult, FillScan } from './ports.js';
import { START_POSITION, type Position } from './position.js';

let world: World;
let a: Member;
let b: Member;
let c: Member;

beforeEach(() => {
  world = new World();
  a = world.add('a');
  b = world.add('b');
  c = world.add('c');
});

const done = { kind: 'done' };
const pairOf = (data: string, value: string) => ({
  id: keyId(stringKey(data)),
  value: stringValue(value),
  version: 1,
  expiresAtMs: undefined,
});
const kinds = () => world.requests.map(({ change }) => change.kind);
/** Enough for 3.5 s. */
const manyFailures = () => new Array<ApplyResult>(35).fill('unavailable');
const refused = (code: string) => ({ kind: 'refused', code });
const nodeOf = (bootId: BootId, port: number): TopologyNode => ({
  id: bootId,
  address: `n:${port}`,
  zone: '',
  weight: 1,
  bootId,
  isDurable: false,
  starts: 1,
  state: 'active',
});

describe('a write', () => {
  it('is answered when all in-sync copies have it (R5)', () => {
    world.assign(a, b, c);
    world.cut(c, a);
    const write = a.set('k', 'v');
    world.settle();
    expect(write.answer).toBeUndefined();
    world.mend();
    world.pass(600);
    expect(write.answer).toMatchObject(done);
    expect([a, b, c].map(({ pairs }) => pairs)).toEqual([{ k: 'v' }, { k: 'v' }, { k: 'v' }]);
  });

  it('removes a copy at once that the topology says has ended', () => {
    world.assign(a, b, c);
    world.cut(a, c);
    world.topology = endProcess(world.topology, { bootId: c.bootId, isDurable: false });
    a.replica.learn(world.topology);
    const write = a.set('k', 'v');
    world.pass(100);
    expect(world.grant()).toEqual([{ kind: 'remove', by: a.bootId, copy: c.bootId }]);
    expect(write.answer).toMatchObject(done);
  });

  it('of a large value, or many of them at once, leaves a copy the usual time to acknowledge', () => {
    world.assign(a, b);
    world.cut(a, b);
    const writes = ['k', 'l', 'm'].map((key) => a.set(key, 'x'.repeat(9 * 1024 * 1024)));
    world.pass(1100);
    expect([world.requests, a.replica.takeFailures()]).toEqual([[], []]);
    world.mend();
    world.pass(600);
    expect(writes.map(({ answer }) => answer)).toMatchObject([done, done, done]);
  });

  it('is answered at once if there is one copy', () => {
    world.assign(a);
    expect(a.set('k', 'v').answer).toMatchObject(done);
    expect(a.replica.states()).toMatchObject([{ lag: 0, tailBytes: 0 }]);
  });

  it('waits until a copy that does not acknowledge was removed from the topology (R5)', () => {
    world.assign(a, b, c);
    world.cut(a, c);
    const write = a.set('k', 'v');
    world.pass(1500);
    expect(write.answer).toBeUndefined();
    // No proxy has got the request, so it is repeated.
    world.requests = [];
    world.pass(500);
    expect(world.grant()).toEqual([{ kind: 'remove', by: a.bootId, copy: c.bootId }]);
    world.pass(600);
    expect(write.answer).toMatchObject(done);
  });

  it('removes a copy that does not acknowledge, which is counted once, and not one that is one too many', () => {
    const nodes = [a, b, c].map(({ bootId }, i) => nodeOf(bootId, i));
    world.topology = { ...world.topology, nodes };
    world.assign(a, b, c);
    const counts = () => a.replica.removedCopies().map(({ node, count }) => [node, count]);
    a.replica.removeSurplus(PARTITION, b.bootId);
    world.pass(600);
    world.grant();
    expect([world.entry.inSync, counts()]).toEqual([
      [a.bootId, c.bootId],
      [
        [b.bootId, 0],
        [c.bootId, 0],
      ],
    ]);
    world.cut(a, c);
    a.set('k', 'v');
    world.pass(3000);
    expect(counts()).toEqual([
      [b.bootId, 0],
      [c.bootId, 1],
    ]);
  });

  it('fails as perhaps applied if too few copies are left, and the next one is refused before anything is done', () => {
    world.topology = { ...world.topology, minInSync: 2 };
    world.assign(a, b);
    world.cut(a, b);
    const write = a.set('k', 'v');
    world.pass(1500);
    world.grant();
    expect(write.answer).toMatchObject({ kind: 'maybeApplied' });
    expect(a.set('l', 'w').answer).toMatchObject(refused('under_replicated'));
    expect(a.pairs).toEqual({ k: 'v' });
  });

  it('needs as many copies as the newest topology that the primary knows says', () => {
    world.assign(a);
    const need = (minInSync: number) => {
      world.topology = updateSettings(world.topology, { minInSync });
      a.replica.learn(world.topology);
    };
    const before = world.topology;
    need(2);
    a.replica.learn(before);
    expect(a.set('k', 'v').answer).toMatchObject(refused('under_replicated'));
    need(1);
    expect(a.set('k', 'v').answer).toMatchObject(done);
  });

  it('with a failed condition is a read: it waits for the write that made it fail (R6)', () => {
    world.assign(a, b);
    const first = a.set('k', 'v');
    const second = a.set('k', 'w', 0);
    expect([first.answer, second.answer]).toEqual([undefined, undefined]);
    world.settle();
    expect([first.answer, second.answer]).toMatchObject([done, done]);
  });

  it.each<[string, (member: Member) => { answer: unknown }]>([
    ['another version', (member) => member.set('k', 'w', 99)],
    ['no pair', (member) => member.delete('l')],
  ])('that finds %s is not answered after the lease has ended (R6, R10)', (_, write) => {
    world.assign(a, b);
    a.engine.waiting = [];
    const found = write(a);
    world.cut(b, a);
    world.nowMs += 2100;
    for (const run of a.engine.waiting.splice(0)) run();
    a.engine.waiting = undefined;
    expect([a.isServing, found.answer]).toEqual([false, undefined]);
    world.mend();
    world.pass(600);
    expect(found.answer).toMatchObject(done);
  });

  it('may be applied, and reads that wait for it are refused, as soon as the node is not the primary any more', () => {
    world.assign(a, b);
    world.cut(a, b);
    const [write, read] = [a.set('k', 'v'), a.read('k')];
    world.commit({ kind: 'promote', copy: b.bootId, instead: a.bootId }, [a]);
    expect(write.answer).toMatchObject({ kind: 'maybeApplied' });
    expect(read.answer).toMatchObject(refused('wrong_node'));
  });

  it('is refused if a copy is full', () => {
    world.assign(a, b);
    b.engine.isFullNow = true;
    world.pass(BEACON_ROUND_MS);
    expect(a.set('k', 'v').answer).toMatchObject(refused('out_of_memory'));
    const deletion = a.delete('k');
    world.settle();
    expect(deletion.answer).toMatchObject(done);
    b.engine.isFullNow = false;
    world.pass(BEACON_ROUND_MS);
    b.engine.isFullNow = true;
    const last = a.set('k', 'v');
    world.settle();
    // The copy has said so when it acknowledged the write before.
    expect([last.answer, a.set('l', 'w').answer]).toMatchObject([done, refused('out_of_memory')]);
  });

  it('gets no version above the ceiling of the topology', () => {
    world.topology = { ...world.topology, versionCeiling: 1 };
    world.assign(a);
    expect(a.set('k', 'v').answer).toMatchObject(refused('wrong_node'));
    expect(a.reads).toHaveLength(1);
    const underCeiling = (versionCeiling: number) => {
      const revision = world.topology.revision + 1;
      world.topology = { ...world.topology, revision, versionCeiling };
      a.replica.learn(world.topology);
      return a.set('k', 'v').answer;
    };
    // Some calls in flight may take versions too.
    expect(underCeiling(world.nowMs * 1000 + 100_000)).toMatchObject(refused('wrong_node'));
    expect(underCeiling(world.nowMs * 1000 + 200_000)).toMatchObject(done);
    a.engine.apply(PARTITION, [], 2 ** 40, () => undefined);
    expect(underCeiling(2 ** 40)).toMatchObject(refused('wrong_node'));
  });

  it('whose effect a copy cannot store leads to the removal of the copy', () => {
    world.assign(a, b);
    b.engine.results.apply = ['out_of_memory'];
    const write = a.set('k', 'v');
    world.settle();
    expect(write.answer).toBeUndefined();
    expect(world.grant()).toEqual([{ kind: 'remove', by: a.bootId, copy: b.bootId }]);
    expect(write.answer).toMatchObject(done);
    expect(a.replica.takeFailures()).toEqual([
      { partition: PARTITION, copy: b.bootId, reason: 'out_of_memory' },
    ]);
  });

  it('is refused with wrong_node on a copy and on a stranger, and by a primary that knows too little', () => {
    world.assign(a, b);
    expect(b.set('k', 'v').answer).toMatchObject(refused('wrong_node'));
    expect(c.set('k', 'v').answer).toMatchObject(refused('wrong_node'));
    let answer: unknown;
    a.replica.write(PARTITION, { kind: 'delete', items: [] }, 10_000, (given) => (answer = given));
    expect(answer).toMatchObject(refused('wrong_node'));
    expect(a.reads).toHaveLength(1);
  });
});

describe('a read', () => {
  it('waits for writes of its key that began before, and for no others (R6)', () => {
    world.assign(a, b);
    a.set('k', 'v');
    const [same, other] = [a.read('k'), a.read('l')];
    expect(same.answer).toBeUndefined();
    expect(other.answer).toMatchObject({ kind: 'done', result: undefined });
    world.settle();
    expect(same.answer).toMatchObject({ kind: 'done', result: 'v' });
  });

  it('waits for the last write of its key when an earlier one has been answered (R6)', () => {
    world.assign(a, b);
    b.engine.waiting = [];
    const first = a.set('k', 'v');
    world.settle();
    a.set('k', 'w');
    b.engine.waiting.shift()?.();
    world.settle();
    const read = a.read('k');
    expect([first.answer, read.answer]).toMatchObject([done, undefined]);
    b.engine.waiting.shift()?.();
    world.settle();
    expect(read.answer).toMatchObject({ kind: 'done', result: 'w' });
  });

  it('waits for a write that the engine has not answered yet (R6)', () => {
    world.assign(a, b);
    a.engine.waiting = [];
    a.set('k', 'v');
    const read = a.read('k');
    expect(read.answer).toBeUndefined();
    for (const run of a.engine.waiting.splice(0)) run();
    a.engine.waiting = undefined;
    world.settle();
    expect(read.answer).toMatchObject(done);
  });

  it('shows a write of which the engine does not know only once no copy can lack it (R4)', () => {
    world.assign(a, b);
    a.engine.isVague = true;
    expect(a.set('k', 'v').answer).toMatchObject({ kind: 'maybeApplied' });
    const read = a.read('k');
    world.settle();
    expect(read.answer).toBeUndefined();
    expect(world.grant()).toEqual([{ kind: 'remove', by: a.bootId, copy: b.bootId }]);
    expect(read.answer).toMatchObject(done);
  });

  it('of all keys waits for all writes (R6)', () => {
    world.assign(a, b);
    a.set('k', 'v');
    let answer: unknown;
    a.replica.read(
      PARTITION,
      'all',
      0,
      (finish) => finish('chunk'),
      (given) => (answer = given),
    );
    expect(answer).toBeUndefined();
    world.settle();
    expect(answer).toEqual({ kind: 'done', result: 'chunk' });
  });

  it('is refused by a primary that knows less of the topology than the caller', () => {
    world.assign(a, b);
    const refusals: unknown[] = [];
    a.replica.read(
      PARTITION,
      [],
      10_000,
      () => undefined,
      (answer) => refusals.push(answer),
    );
    expect(refusals).toMatchObject([refused('wrong_node')]);
    expect(a.reads).toHaveLength(1);
  });

  it('is not answered after the lease has ended, not even if it was made before (R10)', () => {
    world.assign(a, b);
    world.cut(b, a);
    world.nowMs += 2100;
    const read = a.read('k');
    expect([a.isServing, read.answer]).toEqual([false, undefined]);
    world.pass(1700);
    expect(read.answer).toMatchObject(refused('wrong_node'));
  });

  it('that the engine answers late is answered when a lease comes, also if nothing else went on (R10)', () => {
    world.assign(a, b);
    world.pass(1000);
    let finish = (): void => undefined;
    let answer: unknown;
    const run = (done: (result: string) => void): void => void (finish = () => done('late'));
    a.replica.read(PARTITION, 'all', 0, run, (given) => (answer = given));
    world.pass(1000);
    world.cut(b, a);
    world.pass(1900);
    finish();
    world.mend();
    world.pass(BEACON_ROUND_MS);
    expect(answer).toEqual({ kind: 'done', result: 'late' });
  });

  it('that the engine answers after the node has lost the role is refused', () => {
    world.assign(a, b);
    let finish = (): void => undefined;
    let answer: unknown;
    const run = (done: (result: string) => void): void => void (finish = () => done('late'));
    a.replica.read(PARTITION, 'all', 0, run, (given) => (answer = given));
    world.commit({ kind: 'promote', copy: b.bootId, instead: a.bootId });
    finish();
    expect(answer).toMatchObject(refused('wrong_node'));
  });

  it('is answered without any check if the check is switched off (R10)', () => {
    const careless = world.add('d', { without: ['R10'] });
    world.assign(careless, b);
    world.cut(b, careless);
    world.nowMs += 10_000;
    expect(careless.read('k').answer).toMatchObject(done);
  });
});

describe('a lease', () => {
  it('does not come from a process that knows a later revision (R9)', () => {
    world.assign(a, b);
    world.topology = { ...world.topology, revision: world.topology.revision + 1 };
    b.replica.learn(world.topology);
    world.pass(3000);
    expect(a.isServing).toBe(false);
    a.answerReads();
    expect(a.isServing).toBe(true);
  });

  it('does not come from an answer of a process that knows a later revision, in which this process is not primary any more (R9)', () => {
    world.assign(a, b);
    const entry = world.topology.partitions[PARTITION];
    if (entry === undefined) throw new TypeError('the topology has no partition');
    const revision = world.topology.revision + 1;
    world.topology = {
      ...world.topology,
      revision,
      partitions: world.topology.partitions.with(PARTITION, { ...entry, primary: b.bootId, epoch: revision }),
    };
    b.replica.learn(world.topology);
    world.pass(3000);
    a.answerReads();
    expect(a.isServing).toBe(false);
    expect(a.read('k').answer).toMatchObject({ kind: 'refused' });
  });

  it('does not come from a process that was told a later entry by another one (R9)', () => {
    world.assign(a, b);
    const entry = { ...world.entry, epoch: world.topology.revision + 1 };
    b.replica.receive(c.bootId, { kind: 'entry', partition: PARTITION, entry });
    world.pass(3000);
    expect(a.isServing).toBe(false);
  });

  it('does not come from the answer to a beacon that is still to be sent', () => {
    world.assign(a, b);
    const answer = { kind: 'beaconAnswer', timeMs: 1, revision: 1, isFull: false } as const;
    a.replica.receive(b.bootId, { ...answer, sentAtMs: Number.MAX_SAFE_INTEGER });
    world.cut(b, a);
    world.pass(2100);
    expect(a.isServing).toBe(false);
  });

  it('is given to nodes, after any number of processes that the topology does not have', () => {
    for (let i = 0; i < 2 * MAX_PEERS; i++)
      b.replica.receive(boot(`stranger ${i}`), { kind: 'beacon', sentAtMs: 1, timeMs: 1 });
    world.topology = { ...world.topology, nodes: [a, b].map(({ bootId }, i) => nodeOf(bootId, i)) };
    const stranger = world.add('one more');
    let hasAnswer = false;
    stranger.replica.receive = () => void (hasAnswer = true);
    b.replica.receive(stranger.bootId, { kind: 'beacon', sentAtMs: 1, timeMs: 1 });
    world.settle();
    expect(hasAnswer).toBe(false);
    world.assign(a, b);
    expect(a.isServing).toBe(true);
  });

  it('counts from the sending of the beacon', () => {
    world.assign(a, b);
    world.nowMs += 500;
    a.replica.tick();
    world.nowMs += 1900;
    world.settle();
    expect(a.isServing).toBe(true);
    world.nowMs += 200;
    expect(a.isServing).toBe(false);
  });
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
    expect(kinds()).toEqual(['remove']);
    world.mend();
    world.requests = [];
    world.commit({ kind: 'rewrite' });
    world.settle();
    world.pass(1000);
    expect([write.answer, kinds()]).toMatchObject([done, []]);
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
    expect(told(b, START_POSITION)).toEqual([[undefined, undefined]]);
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
    expect(kinds()).toEqual([]);
    world.pass(1000);
    expect([new Set(kinds()), b.isServing]).toEqual([new Set(['remove']), false]);
  });

  it('waits only for a grace for a copy that it has never heard if there may be pairs (R12)', () => {
    world.assign(a, b, c);
    a.set('k', 'v');
    world.settle();
    world.cut(c, b);
    world.commit({ kind: 'promote', copy: b.bootId, instead: a.bootId });
    world.pass(2400);
    expect(kinds()).toEqual([]);
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
    expect(kinds()).toEqual([]);
  });

  it('waits for a former primary that it has never heard', () => {
    world.cut(a, b);
    world.commit({ kind: 'start', primary: a.bootId, instead: undefined, copies: [b.bootId] });
    world.commit({ kind: 'promote', copy: b.bootId, instead: a.bootId });
    world.pass(500);
    expect(kinds()).toEqual([]);
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

describe('a learner', () => {
  function learn(member: Member): void {
    world.commit({ kind: 'nameLearner', learner: member.bootId });
    world.pass(100);
  }

  const startOf = (fillId: string, position: Position): Message => {
    const { epoch } = world.entry;
    return { kind: 'fillStart', partition: PARTITION, epoch, fillId, position, highestVersion: 1 };
  };

  const effectOf = (fillId: string, previous: Position, position: Position): Message => ({
    kind: 'effects',
    partition: PARTITION,
    epoch: world.entry.epoch,
    fillId,
    previous,
    effects: [{ position, id: keyId(stringKey('k')), entry: pairOf('k', 'v') }],
    trimUpTo: 0,
    highestVersion: 1,
  });

  it('gets all pairs and later effects, and is then added', () => {
    world.assign(a);
    a.set('k', 'v');
    a.set('l', 'w');
    learn(b);
    a.set('m', 'x');
    a.delete('k');
    world.pass(FILL_MS);
    expect(world.grant()).toEqual([{ kind: 'add', by: a.bootId, copy: b.bootId }]);
    expect(b.pairs).toEqual({ l: 'w', m: 'x' });
    expect([world.entry.inSync, a.replica.fills()]).toEqual([[a.bootId, b.bootId], []]);
  });

  it('is not given up because of a large value', () => {
    world.assign(a);
    a.set('k', 'v');
    learn(b);
    a.set('k', 'x'.repeat(9 * 1024 * 1024));
    a.replica.tick();
    world.pass(FILL_MS);
    expect([world.grant(), a.replica.takeFailures()]).toEqual([
      [{ kind: 'add', by: a.bootId, copy: b.bootId }],
      [],
    ]);
  });

  it('to which there is no connection yet is filled as soon as there is one', () => {
    world.assign(a);
    a.set('k', 'v');
    world.unconnected.add(b.bootId);
    learn(b);
    world.pass(1000);
    expect(a.replica.fills()).toEqual([]);
    world.unconnected.clear();
    world.pass(700);
    expect(world.grant()).toEqual([{ kind: 'add', by: a.bootId, copy: b.bootId }]);
    expect([b.pairs, a.replica.takeFailures()]).toEqual([{ k: 'v' }, []]);
  });

  it('to which there is no connection for long is reported, so that another one can be named', () => {
    world.assign(a);
    world.unconnected.add(b.bootId);
    learn(b);
    world.pass(4500);
    expect(a.replica.takeFailures()).toEqual([]);
    world.pass(1000);
    const failure = { partition: PARTITION, copy: b.bootId, reason: 'there is no connection' };
    expect(a.replica.takeFailures()).toEqual([failure]);
    world.pass(4500);
    expect(a.replica.takeFailures()).toEqual([]);
    world.unconnected.clear();
    world.pass(FILL_MS);
    expect(world.grant()).toEqual([{ kind: 'add', by: a.bootId, copy: b.bootId }]);
  });

  it.each([0, 1])(
    'is no learner for a moment when %d chunks and the end come, and is filled soon',
    (count) => {
      world.assign(a);
      for (let i = 0; i < count; i++) a.set('k', 'v');
      a.engine.waiting = [];
      learn(b);
      const scan = a.engine.waiting;
      a.engine.waiting = undefined;
      world.commit({ kind: 'withdrawLearner', learner: b.bootId }, [b]);
      for (const next of scan) next();
      world.settle();
      world.commit({ kind: 'nameLearner', learner: b.bootId });
      world.pass(3000);
      expect(world.grant()).toEqual([{ kind: 'add', by: a.bootId, copy: b.bootId }]);
      expect([b.pairs, a.replica.takeFailures()]).toEqual([a.pairs, []]);
    },
  );

  it('that has all pairs is not given up while a request about another copy comes first', () => {
    world.assign(a, b);
    world.cut(b, a);
    a.set('k', 'v');
    world.pass(1500);
    learn(c);
    world.pass(8000);
    expect(world.requests.map(({ change }) => change.kind)).toContain('remove');
    expect([c.pairs, a.replica.takeFailures()]).toEqual([{ k: 'v' }, []]);
    // Its time to acknowledge begins with the next effect.
    world.cut(c, a);
    a.set('l', 'w');
    world.pass(1000);
    expect(a.replica.takeFailures()).toEqual([]);
  });

  it('keeps what an effect wrote when an older pair of the fill comes later (R15)', () => {
    world.assign(a);
    a.set('k', 'old');
    const late: (() => void)[] = [];
    const send = world.send.bind(world);
    world.send = (from, to, message) => {
      if (message.kind === 'fillChunk' || message.kind === 'fillEnd')
        late.push(() => send(from, to, message));
      else send(from, to, message);
    };
    learn(b);
    a.set('k', 'new');
    world.settle();
    expect([late.length, b.pairs]).toEqual([2, { k: 'new' }]);
    for (const sendNow of late) sendNow();
    world.pass(FILL_MS);
    expect([b.pairs, world.grant()]).toMatchObject([{ k: 'new' }, [{ kind: 'add' }]]);
  });

  it('has the pair of a chunk until it has stored an effect that came after the chunk (R15)', () => {
    world.assign(a);
    a.set('k', 'old');
    const waiting: (() => void)[] = [];
    b.engine.waiting = waiting;
    learn(b);
    world.settle();
    a.set('k', 'new');
    world.settle();
    const seen = [b.pairs];
    for (let call = waiting.shift(); call !== undefined; call = waiting.shift()) {
      call();
      seen.push(b.pairs);
    }
    expect(seen).toEqual([{}, {}, {}, { k: 'old' }, { k: 'old' }, { k: 'new' }]);
  });

  it('is filled although the primary took it for an in-sync copy until then', () => {
    world.assign(a, b);
    a.set('k', 'v');
    world.commit({ kind: 'remove', by: a.bootId, copy: b.bootId }, []);
    world.commit({ kind: 'nameLearner', learner: b.bootId });
    world.pass(FILL_MS);
    expect(world.grant()).toEqual([{ kind: 'add', by: a.bootId, copy: b.bootId }]);
    expect(b.pairs).toEqual({ k: 'v' });
  });

  it('is added only once it has every write that was answered before it counted (R16)', () => {
    world.assign(a);
    const send = world.send.bind(world);
    world.send = (from, to, message) => {
      if (message.kind !== 'effects' || message.effects.length === 0) send(from, to, message);
    };
    learn(b);
    expect(a.set('k', 'v').answer).toMatchObject(done);
    world.pass(700);
    expect(kinds()).not.toContain('add');
    world.send = send;
    world.pass(1000);
    expect([kinds(), b.pairs]).toEqual([expect.arrayContaining(['add']), { k: 'v' }]);
  });

  it('leaves no scan of the engine open, whether it is added or withdrawn', () => {
    world.assign(a);
    const open = new Set<FillScan>();
    const scan = a.engine.scan.bind(a.engine);
    a.engine.scan = (partition) => {
      const made = scan(partition);
      open.add(made);
      return { next: (next) => made.next(next), close: () => void (open.delete(made), made.close()) };
    };
    learn(b);
    world.pass(600);
    world.grant();
    expect([world.entry.inSync.length, open.size]).toEqual([2, 0]);
    a.engine.waiting = [];
    learn(c);
    expect(open.size).toBe(1);
    world.commit({ kind: 'withdrawLearner', learner: c.bootId });
    expect(open.size).toBe(0);
  });

  it('counts as an in-sync copy from before the request to add it until that is settled (R16)', () => {
    world.assign(a);
    learn(b);
    world.pass(FILL_MS);
    expect(world.requests.map(({ change }) => change.kind)).toContain('add');
    world.pass(2000);
    expect(a.isServing).toBe(true);
    world.cut(a, b);
    const write = a.set('k', 'v');
    world.settle();
    expect(write.answer).toBeUndefined();
    world.commit({ kind: 'rewrite' });
    expect(write.answer).toMatchObject(done);
  });

  it('that is gone before the request to add it counts no more, also while there is no connection (R16)', () => {
    world.assign(a);
    const send = world.send.bind(world);
    world.send = (from, to, message) => {
      if (message.kind !== 'effects' || message.effects.length === 0) send(from, to, message);
    };
    learn(b);
    a.set('k', 'v');
    world.pass(700);
    const write = a.set('l', 'w');
    expect([write.answer, kinds()]).toEqual([undefined, []]);
    world.unconnected.add(b.bootId);
    world.cut(a, b);
    world.pass(3000);
    expect([write.answer, kinds()]).toMatchObject([done, []]);
  });

  it('gives a lease as soon as it counts, so that no read waits for it (R16)', () => {
    world.assign(a);
    a.set('k', 'v');
    learn(b);
    for (let waitedMs = 0; waitedMs < FILL_MS; waitedMs += 100) {
      world.pass(100);
      expect(a.isServing).toBe(true);
    }
    expect(kinds()).toContain('add');
  });

  it('is filled anew under a new primary, and ignores chunks of the older fill', () => {
    world.assign(a, b);
    a.set('k', 'v');
    world.settle();
    learn(c);
    world.requests = [];
    world.commit({ kind: 'promote', copy: b.bootId, instead: a.bootId });
    world.pass(2000);
    const id = keyId(stringKey('k'));
    const stale = { id, value: stringValue('stale'), version: 1, expiresAtMs: undefined };
    const chunk = { kind: 'fillChunk', partition: PARTITION, fillId: 'a/other/1', number: 0 } as const;
    c.replica.receive(a.bootId, { ...chunk, pairs: [stale] });
    world.grant();
    expect([world.entry.inSync, c.pairs]).toEqual([[a.bootId, b.bootId, c.bootId], { k: 'v' }]);
  });

  it('can tell a fill from those that the process of the primary before it began (R15)', () => {
    const [first, second] = [1, 2].map((starts) => world.add('d', { starts }).replica.newFillId());
    expect(first).not.toBe(second);
  });

  it('is filled at the rate of the node, however long that takes', () => {
    world.assign(a);
    for (let i = 0; i < 15; i++) a.set(`k${i}`, 'v'.repeat(100_000));
    world.settle();
    a.replica.limitTransfers(100_000);
    learn(b);
    world.pass(7000);
    expect(Object.keys(b.pairs).length).toBeGreaterThanOrEqual(6);
    expect(Object.keys(b.pairs).length).toBeLessThanOrEqual(8);
    world.pass(10_000);
    expect(a.replica.takeFailures()).toEqual([]);
    expect(world.grant()).toEqual([{ kind: 'add', by: a.bootId, copy: b.bootId }]);
    expect(Object.keys(b.pairs)).toHaveLength(15);
  });

  it('that does not answer is given up, also at a low rate', () => {
    world.assign(a);
    a.set('k', 'v'.repeat(100_000));
    a.set('l', 'v'.repeat(100_000));
    world.settle();
    a.replica.limitTransfers(10_000);
    world.cut(b, a);
    learn(b);
    world.pass(12_000);
    expect(a.replica.takeFailures()).toMatchObject([{ reason: 'the learner makes no progress' }]);
  });

  it.each([0, 1])('knows a later entry than the primary when %d chunks come, and is filled soon', (count) => {
    world.assign(a, b);
    for (let i = 0; i < count; i++) a.set('k', 'v');
    world.settle();
    world.commit({ kind: 'nameLearner', learner: c.bootId });
    world.pause(c);
    world.pass(200);
    world.commit({ kind: 'remove', by: a.bootId, copy: b.bootId }, [c]);
    world.resume(c);
    world.pass(3000);
    expect(world.grant()).toEqual([{ kind: 'add', by: a.bootId, copy: c.bootId }]);
    expect([c.pairs, a.replica.takeFailures()]).toEqual([a.pairs, []]);
  });

  it.each([0, 1])('sends answers for %d chunks again that were lost with its connection', (count) => {
    world.assign(a);
    for (let i = 0; i < count; i++) a.set('k', 'v');
    world.settle();
    world.cut(b, a);
    learn(b);
    world.pass(1000);
    world.mend();
    b.replica.peerUp(a.bootId);
    world.pass(FILL_MS);
    expect([world.grant(), a.replica.takeFailures()]).toEqual([
      [{ kind: 'add', by: a.bootId, copy: b.bootId }],
      [],
    ]);
  });

  it('takes no part of its fill from another process than the primary that began it (R15)', () => {
    world.assign(a);
    a.set('k', 'v');
    a.engine.waiting = [];
    learn(b);
    const scan = a.engine.waiting;
    a.engine.waiting = undefined;
    const answers: Message[] = [];
    c.replica.receive = (from, answer) => void (from === b.bootId && answers.push(answer));
    const fillId = `${a.bootId}/1/1`;
    const chunk = { kind: 'fillChunk', partition: PARTITION, fillId, number: 0 } as const;
    b.replica.receive(c.bootId, { ...chunk, pairs: [pairOf('k', 'forged')] });
    b.replica.receive(c.bootId, { kind: 'fillEnd', partition: PARTITION, fillId, chunkCount: 1 });
    world.settle();
    expect([b.pairs, b.replica.heldPartitions()]).toEqual([{}, []]);
    expect(answers).toMatchObject([{ failure: NOT_BEGUN }, { failure: NOT_BEGUN }]);
    for (const next of scan) next();
    world.pass(FILL_MS);
    expect(world.grant()).toEqual([{ kind: 'add', by: a.bootId, copy: b.bootId }]);
    expect(b.pairs).toEqual({ k: 'v' });
  });

  it('that is still deleting its old pairs when the entry changes is not given up', () => {
    world.assign(a);
    a.set('k', 'v');
    const waiting: (() => void)[] = (b.engine.waiting = []);
    learn(b);
    world.commit({ kind: 'rewrite' });
    world.settle();
    for (let call = waiting.shift(); call !== undefined; call = waiting.shift()) call();
    b.engine.waiting = undefined;
    world.pass(FILL_MS);
    expect([world.grant(), a.replica.takeFailures()]).toMatchObject([[{ kind: 'add' }], []]);
  });

  it.each<[string, () => void]>([
    ['is withdrawn', () => void world.commit({ kind: 'withdrawLearner', learner: c.bootId })],
    [
      'gets another primary',
      () => void world.commit({ kind: 'promote', copy: b.bootId, instead: a.bootId }, [a]),
    ],
  ])('that %s before it has all pairs leaves its turn to other fills', (_, change) => {
    world.assign(a, b);
    a.set('k', 'v');
    world.settle();
    world.cut(c, a);
    learn(c);
    const areIdle = () => [a.replica.fillTurns.isIdle, a.replica.chunkTurns.isIdle];
    expect(areIdle()).toEqual([false, false]);
    change();
    expect(areIdle()).toEqual([true, true]);
  });

  it('that is withdrawn while the engine reads a chunk leaves its turn to other fills', () => {
    world.assign(a);
    a.set('k', 'v');
    world.settle();
    const waiting: (() => void)[] = (a.engine.waiting = []);
    learn(b);
    expect(waiting).toHaveLength(1);
    world.commit({ kind: 'withdrawLearner', learner: b.bootId });
    for (let read = waiting.shift(); read !== undefined; read = waiting.shift()) read();
    expect([a.replica.fillTurns.isIdle, a.replica.chunkTurns.isIdle]).toEqual([true, true]);
  });

  it('is neither added nor given up because of what it answered in an earlier fill', () => {
    world.assign(a);
    a.set('k', 'v');
    b.engine.waiting = [];
    learn(b);
    const earlier = { partition: PARTITION, fillId: `${a.bootId}/1/0` };
    a.replica.receive(b.bootId, { kind: 'fillChunkAnswer', ...earlier, number: 0, failure: 'full' });
    a.replica.receive(b.bootId, { kind: 'fillAnswer', ...earlier });
    world.pass(2000);
    expect([kinds(), a.replica.takeFailures()]).toEqual([[], []]);
  });

  it('whose connection breaks before it has all pairs is filled again soon', () => {
    world.assign(a);
    a.set('k', 'v');
    world.cut(a, b);
    learn(b);
    a.replica.peerDown(b.bootId);
    world.mend();
    world.pass(2500);
    expect([world.grant(), b.pairs]).toMatchObject([[{ kind: 'add' }], { k: 'v' }]);
  });

  it('that is full does not stop writes before it counts as a copy', () => {
    world.assign(a);
    b.engine.isFullNow = true;
    a.set('k', 'v');
    learn(b);
    a.set('l', 'w');
    world.settle();
    expect(a.set('m', 'x').answer).toMatchObject(done);
  });

  it('that cannot delete its old pairs is filled again, and not added before', () => {
    world.assign(a);
    a.set('k', 'v');
    b.engine.fill(PARTITION, [pairOf('old', 'x')], () => undefined);
    b.engine.results.clear = ['unavailable'];
    learn(b);
    world.pass(500);
    expect([world.grant(), b.pairs]).toEqual([[], { old: 'x' }]);
    world.pass(3000);
    expect(a.replica.takeFailures()).toMatchObject([{ reason: 'unavailable' }]);
    expect([world.grant(), b.pairs]).toMatchObject([[{ kind: 'add' }], { k: 'v' }]);
  });

  it('that cannot raise its versions is filled again, and not added before', () => {
    world.assign(a);
    a.set('k', 'v');
    b.engine.results.apply = ['unavailable'];
    learn(b);
    world.pass(500);
    expect(world.grant()).toEqual([]);
    world.pass(3000);
    expect(a.replica.takeFailures()).toMatchObject([{ reason: 'unavailable' }]);
    expect([world.grant(), b.pairs]).toMatchObject([[{ kind: 'add' }], { k: 'v' }]);
  });

  it.each(['no fill', 'another fill'])('takes no effects of a fill if %s has begun (R15)', (begun) => {
    world.assign(a);
    a.set('k', 'v');
    world.unconnected.add(b.bootId);
    learn(b);
    if (begun === 'another fill') b.replica.receive(a.bootId, startOf('other', START_POSITION));
    const [{ position } = { position: START_POSITION }] = a.replica.states();
    b.replica.receive(a.bootId, effectOf('lost', START_POSITION, position));
    expect(b.pairs).toEqual({});
  });

  it.each<[string, Partial<Record<'apply' | 'clear', ApplyResult[]>>, number]>([
    ['cannot delete its old pairs', { clear: ['unavailable'] }, 0],
    ['cannot store an effect', { apply: ['applied', 'unavailable'] }, 2],
  ])('that %s of one fill takes part in the next one if that has begun (R15)', (_, results, callCount) => {
    world.assign(a);
    world.commit({ kind: 'nameLearner', learner: b.bootId });
    Object.assign(b.engine.results, results);
    const waiting: (() => void)[] = (b.engine.waiting = []);
    const { epoch } = world.entry;
    const [first, second] = [
      { epoch, number: 1 },
      { epoch, number: 2 },
    ];
    b.replica.receive(a.bootId, startOf('first', first));
    b.replica.receive(a.bootId, effectOf('first', first, second));
    for (let call = 0; call < callCount; call++) waiting.shift()?.();
    b.replica.receive(a.bootId, startOf('second', second));
    b.replica.receive(a.bootId, { kind: 'fillEnd', partition: PARTITION, fillId: 'second', chunkCount: 0 });
    for (let run = waiting.shift(); run !== undefined; run = waiting.shift()) run();
    expect(b.replica.heldPartitions()).toEqual([{ partition: PARTITION, position: second }]);
  });

  it('that learns of its role from the primary alone is filled at once', () => {
    world.assign(a);
    a.set('k', 'v');
    world.commit({ kind: 'nameLearner', learner: b.bootId }, [a]);
    world.pass(100);
    expect(b.pairs).toEqual({ k: 'v' });
  });

  it.each<[string, ApplyResult[], number[]]>([
    ['was not stored', ['applied', 'unavailable'], [0, 1]],
    ['was lost', [], [0]],
    ['was lost before another one', [], [1]],
  ])('is not complete if a chunk %s (R15)', (_, results, numbers) => {
    world.assign(a);
    world.commit({ kind: 'nameLearner', learner: b.bootId });
    b.engine.results.fill = results;
    const fill = { partition: PARTITION, fillId: 'fill' };
    const { epoch } = world.entry;
    const position = { epoch, number: 2 };
    b.replica.receive(a.bootId, { kind: 'fillStart', ...fill, epoch, position, highestVersion: 1 });
    for (const number of numbers) {
      const pairs = [pairOf(`k${number}`, 'v')];
      b.replica.receive(a.bootId, { kind: 'fillChunk', ...fill, number, pairs });
    }
    b.replica.receive(a.bootId, { kind: 'fillEnd', ...fill, chunkCount: 2 });
    expect([b.replica.heldPartitions(), Object.keys(b.pairs)]).toEqual([
      [],
      numbers.includes(0) ? ['k0'] : [],
    ]);
  });

  it.each([
    ['waits for the engine', 1],
    ['is stored', 2],
  ])('is not complete by the end of a fill if another one begins while that end %s', (_, callCount) => {
    world.assign(a);
    a.set('k', 'v');
    world.commit({ kind: 'nameLearner', learner: b.bootId });
    const waiting: (() => void)[] = (b.engine.waiting = []);
    const position = { epoch: world.entry.epoch, number: 1 };
    b.replica.receive(a.bootId, startOf('first', position));
    for (let call = 0; call < callCount; call++) waiting.shift()?.();
    b.replica.receive(a.bootId, { kind: 'fillEnd', partition: PARTITION, fillId: 'first', chunkCount: 0 });
    b.replica.receive(a.bootId, startOf('second', position));
    waiting.shift()?.();
    world.commit({ kind: 'withdrawLearner', learner: b.bootId }, [b]);
    expect(b.replica.heldPartitions()).toEqual([]);
  });

  it('is not complete by the end of a fill that came late, after it had no role and dropped the pairs (R15)', () => {
    world.assign(a);
    a.set('k', 'v');
    world.unconnected.add(b.bootId);
    learn(b);
    const fill = { partition: PARTITION, fillId: 'first' };
    b.replica.receive(a.bootId, startOf('first', { epoch: world.entry.epoch, number: 1 }));
    b.replica.receive(a.bootId, { kind: 'fillChunk', ...fill, number: 0, pairs: [pairOf('k', 'v')] });
    world.commit({ kind: 'withdrawLearner', learner: b.bootId });
    world.pass(1500);
    expect(b.pairs).toEqual({});
    learn(b);
    b.replica.receive(a.bootId, { kind: 'fillEnd', ...fill, chunkCount: 1 });
    expect(b.replica.heldPartitions()).toEqual([]);
  });

  it('could bring the partition back before its fill begins and after it ends, and not in between (R18)', () => {
    world.assign(a, b);
    a.set('k', 'v');
    world.settle();
    world.commit({ kind: 'remove', by: a.bootId, copy: b.bootId });
    world.unconnected.add(b.bootId);
    learn(b);
    expect(b.replica.heldPartitions()).toHaveLength(1);
    world.unconnected.clear();
    a.engine.waiting = [];
    world.pass(700);
    expect(b.replica.heldPartitions()).toEqual([]);
    for (let next = a.engine.waiting.shift(); next !== undefined; next = a.engine.waiting.shift()) {
      next();
      world.settle();
    }
    expect([b.replica.heldPartitions().length, world.entry.learner]).toEqual([1, b.bootId]);
  });

  it('that cannot store the pairs is filled again after a while, and the reason is told (dragonfly 4977)', () => {
    world.assign(a);
    a.set('k', 'v');
    b.engine.results.fill = ['out_of_memory'];
    learn(b);
    world.pass(2500);
    expect(a.replica.takeFailures()).toMatchObject([{ reason: 'out_of_memory' }]);
    expect(b.pairs).toEqual({ k: 'v' });
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

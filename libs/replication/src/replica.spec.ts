import { endProcess, updateSettings, type BootId, type TopologyNode } from '@kvs/topology';
import { boot } from '@kvs/topology/testing';
import {
  BEACON_ROUND_MS,
  done,
  PARTITION,
  refused,
  worldOfThree,
  type Member,
  type World,
} from '../test/world.js';
import { MAX_PEERS } from './leases.js';

let world: World;
let a: Member;
let b: Member;
let c: Member;

beforeEach(() => {
  ({ world, a, b, c } = worldOfThree());
});

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

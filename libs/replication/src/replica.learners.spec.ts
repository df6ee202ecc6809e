import { keyId, stringKey, stringValue } from '@kvs/protocol';
import { done, FILL_MS, pairOf, PARTITION, worldOfThree, type Member, type World } from '../test/world.js';
import { NOT_BEGUN, type Message } from './messages.js';
import type { ApplyResult, FillScan } from './ports.js';
import { START_POSITION, type Position } from './position.js';

let world: World;
let a: Member;
let b: Member;
let c: Member;

beforeEach(() => {
  ({ world, a, b, c } = worldOfThree());
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
    expect(world.requestKinds).not.toContain('add');
    world.send = send;
    world.pass(1000);
    expect([world.requestKinds, b.pairs]).toEqual([expect.arrayContaining(['add']), { k: 'v' }]);
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
    expect([write.answer, world.requestKinds]).toEqual([undefined, []]);
    world.unconnected.add(b.bootId);
    world.cut(a, b);
    world.pass(3000);
    expect([write.answer, world.requestKinds]).toMatchObject([done, []]);
  });

  it('gives a lease as soon as it counts, so that no read waits for it (R16)', () => {
    world.assign(a);
    a.set('k', 'v');
    learn(b);
    for (let waitedMs = 0; waitedMs < FILL_MS; waitedMs += 100) {
      world.pass(100);
      expect(a.isServing).toBe(true);
    }
    expect(world.requestKinds).toContain('add');
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
    expect([world.requestKinds, a.replica.takeFailures()]).toEqual([[], []]);
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

  it.each(['is filled anew', 'drops the pairs'])(
    'is not complete by the end of a fill that is stored only when it had no role and %s (R15, R18)',
    (what) => {
      world.assign(a);
      a.set('k', 'v');
      world.commit({ kind: 'nameLearner', learner: b.bootId });
      const waiting: (() => void)[] = (b.engine.waiting = []);
      const position = { epoch: world.entry.epoch, number: 1 };
      b.replica.receive(a.bootId, startOf('first', position));
      for (let call = 0; call < 2; call++) waiting.shift()?.();
      b.replica.receive(a.bootId, { kind: 'fillEnd', partition: PARTITION, fillId: 'first', chunkCount: 0 });
      const { epoch } = world.commit({ kind: 'withdrawLearner', learner: b.bootId });
      if (what === 'drops the pairs')
        b.replica.receive(a.bootId, { kind: 'mayDropAnswer', partition: PARTITION, epoch });
      else {
        world.commit({ kind: 'nameLearner', learner: b.bootId });
        b.replica.receive(a.bootId, startOf('second', { ...position, number: 2 }));
      }
      waiting.shift()?.();
      expect(b.replica.heldPartitions()).toStrictEqual([]);
    },
  );

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

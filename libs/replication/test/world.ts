import { ClusterClock, type EngineKey, type EnginePair } from '@kvs/kv-store';
import { keyId, stringKey, stringValue } from '@kvs/protocol';
import {
  applyRequests,
  newTopology,
  type BootId,
  type EntryChange,
  type EntryRequest,
  type PartitionEntry,
  type Topology,
} from '@kvs/topology';
import { boot } from '@kvs/topology/testing';
import type { Message } from '../src/messages.js';
import type { ApplyResult, ReadAnswer, WriteAnswer } from '../src/ports.js';
import { Replica } from '../src/replica.js';
import { DEFAULT_TIMES, type Rule } from '../src/settings.js';
import { MapEngine } from './map-engine.js';

export const PARTITION = 7;

/** After this time without a beacon, a copy takes its primary for silent. */
export const PAST_GRACE_MS = DEFAULT_TIMES.graceMs + 200;
/** In this time, every node has sent a beacon to those that it needs leases from. */
export const BEACON_ROUND_MS = DEFAULT_TIMES.beaconMs + 100;
/** Enough for a small fill, also if it begins again after a pause, and for the request to add the learner. */
export const FILL_MS = 1200;

/** The kind of an answer without a refusal. */
export const done = { kind: 'done' };

export function refused(code: string): { kind: 'refused'; code: string } {
  return { kind: 'refused', code };
}

export function pairOf(data: string, value: string): EnginePair {
  return { id: keyId(stringKey(data)), value: stringValue(value), version: 1, expiresAtMs: undefined };
}

/** Results of an engine that fails for 3.5 s. */
export function manyFailures(): ApplyResult[] {
  return new Array<ApplyResult>(35).fill('unavailable');
}

/** Returns a world with three nodes that have no role yet. */
export function worldOfThree(): { world: World; a: Member; b: Member; c: Member } {
  const world = new World();
  return { world, a: world.add('a'), b: world.add('b'), c: world.add('c') };
}

/** Some replicas of one partition, in time that only the test advances. */
export class World {
  nowMs = 1000;
  topology: Topology = {
    ...newTopology({ clusterId: 'c', copies: 3, minInSync: 1 }),
    versionCeiling: 2 ** 50,
    lossCount: 0,
  };
  readonly members = new Map<BootId, Member>();
  /** Requests that no proxy has seen yet. */
  requests: EntryRequest[] = [];
  #inTransit: (() => void)[] = [];
  #cut = new Set<string>();
  readonly #paused = new Map<BootId, (() => void)[]>();

  /** The kinds of the requests. */
  get requestKinds(): EntryChange['kind'][] {
    return this.requests.map(({ change }) => change.kind);
  }

  add(
    name: string,
    options: { without?: readonly Rule[]; starts?: number; engine?: MapEngine } = {},
  ): Member {
    const member = new Member(this, boot(name), options);
    this.members.set(member.bootId, member);
    return member;
  }

  /** Changes the entry as a proxy does, and tells these replicas, or all. */
  commit(change: EntryChange, to: Iterable<Member> = this.members.values()): PartitionEntry {
    const request = { partition: PARTITION, epoch: this.entry.epoch, change };
    const topology = applyRequests(this.topology, [request]);
    expect(topology).not.toBe(this.topology);
    this.topology = topology;
    for (const member of to) member.replica.learn(topology);
    return this.entry;
  }

  get entry(): PartitionEntry {
    const entry = this.topology.partitions[PARTITION];
    if (entry === undefined) throw new TypeError('there is no such partition');
    return entry;
  }

  /** The members that no other one has a connection to yet. */
  readonly unconnected = new Set<BootId>();

  /** Makes these members the copies, the first of them the primary, which serves. */
  assign(...[primary, ...copies]: Member[]): void {
    if (primary === undefined) throw new TypeError('there is no primary');
    this.topology = this.#with({
      epoch: this.topology.revision + 1,
      primary: primary.bootId,
      inSync: [primary, ...copies].map(({ bootId }) => bootId),
      learner: undefined,
    });
    for (const { replica } of this.members.values()) replica.learn(this.topology);
    this.settle();
    this.pass(BEACON_ROUND_MS);
    expect(primary.isServing).toBe(true);
  }

  #with(entry: PartitionEntry): Topology {
    const partitions = this.topology.partitions.map((one, i) => (i === PARTITION ? entry : one));
    return { ...this.topology, revision: this.topology.revision + 1, partitions };
  }

  /** From now on, messages from one to the other are lost. */
  cut(from: Member, to: Member): void {
    this.#cut.add(`${from.bootId}>${to.bootId}`);
  }

  mend(): void {
    this.#cut.clear();
  }

  send(from: BootId, to: BootId, message: Message): void {
    if (this.#cut.has(`${from}>${to}`)) return;
    const deliver = (): void => this.members.get(to)?.replica.receive(from, message);
    this.#inTransit.push(() => {
      const input = this.#paused.get(to);
      if (input === undefined) deliver();
      else input.push(deliver);
    });
  }

  /** Calls back when all messages were delivered that had been sent before. */
  afterInput(done: () => void): void {
    this.#inTransit.push(done);
  }

  /** Messages to a member wait in its input until it goes on. */
  pause(member: Member): void {
    this.#paused.set(member.bootId, []);
  }

  /** The member has stood still for a while. It looks at the time before it reads its input. */
  resume(member: Member): void {
    const input = this.#paused.get(member.bootId) ?? [];
    this.#paused.delete(member.bootId);
    member.replica.tick();
    this.#inTransit.unshift(...input);
    this.settle();
  }

  /** Delivers all messages, and those that they cause. */
  settle(): void {
    for (let deliver = this.#inTransit.shift(); deliver !== undefined; deliver = this.#inTransit.shift())
      deliver();
  }

  /** Lets time pass, with all messages and timers. */
  pass(ms: number): void {
    for (const end = this.nowMs + ms; this.nowMs < end;) {
      this.nowMs += 100;
      for (const { replica } of this.members.values()) replica.tick();
      this.settle();
    }
  }

  /**
   * A proxy does what was asked, and tells all. Returns the changes that it made.
   *
   * @param kinds if there are some, requests for other changes are lost
   */
  grant(...kinds: EntryChange['kind'][]): EntryChange[] {
    const granted = this.requests.splice(0).filter((request) => {
      if (kinds.length > 0 && !kinds.includes(request.change.kind)) return false;
      const before = this.topology;
      this.topology = applyRequests(before, [request]);
      return this.topology !== before;
    });
    for (const { replica } of this.members.values()) replica.learn(this.topology);
    this.settle();
    return granted.map(({ change }) => change);
  }
}

/** One replica with its engine. */
export class Member {
  readonly engine: MapEngine;
  readonly replica: Replica;
  readonly bootId: BootId;
  /** That of the world, until another member tells a later time. */
  readonly clock: ClusterClock;
  /** Reads of the topology that were not answered yet. */
  reads: (() => void)[] = [];

  constructor(
    readonly world: World,
    bootId: BootId,
    options: { without?: readonly Rule[]; starts?: number; engine?: MapEngine },
  ) {
    this.bootId = bootId;
    this.engine = options.engine ?? new MapEngine();
    this.clock = new ClusterClock(() => world.nowMs);
    this.clock.raise(world.nowMs);
    this.replica = new Replica(
      {
        bootId,
        starts: options.starts ?? 1,
        times: DEFAULT_TIMES,
        without: new Set(options.without),
      },
      {
        nowMs: () => world.nowMs,
        leaseNowMs: () => world.nowMs,
        send: (to, message) => world.send(bootId, to, message),
        isConnected: (to) => !world.unconnected.has(to),
        ask: (requests) => void world.requests.push(...requests),
        readTopology: (done) => void this.reads.push(done),
        afterInput: (_, done) => world.afterInput(done),
        clock: this.clock,
        engine: this.engine,
      },
    );
  }

  get isServing(): boolean {
    return this.replica.isServing(PARTITION);
  }

  /** A proxy answers the reads of the topology. */
  answerReads(): void {
    for (const done of this.reads.splice(0)) {
      this.replica.learn(this.world.topology);
      done();
    }
  }

  set(
    data: string,
    value: string,
    ifVersion?: number,
    partition = PARTITION,
  ): { answer: WriteAnswer | undefined } {
    const result: { answer: WriteAnswer | undefined } = { answer: undefined };
    const { id } = keyOf(data);
    const item = {
      id,
      partition,
      value: stringValue(value),
      expiresAtMs: undefined,
      ifVersion,
    };
    this.replica.write(partition, { kind: 'set', items: [item] }, 0, (answer) => (result.answer = answer));
    return result;
  }

  delete(data: string): { answer: WriteAnswer | undefined } {
    const result: { answer: WriteAnswer | undefined } = { answer: undefined };
    this.replica.write(
      PARTITION,
      { kind: 'delete', items: [{ ...keyOf(data), ifVersion: undefined }] },
      0,
      (answer) => (result.answer = answer),
    );
    return result;
  }

  read(data: string): { answer: ReadAnswer<string | undefined> | undefined } {
    const result: { answer: ReadAnswer<string | undefined> | undefined } = { answer: undefined };
    const { id } = keyOf(data);
    this.replica.read<string | undefined>(
      PARTITION,
      [id],
      0,
      (done) => done(this.engine.entries(PARTITION).get(id)?.value.data),
      (answer) => (result.answer = answer),
    );
    return result;
  }

  /** Returns what the engine has, by key. */
  get pairs(): Record<string, string> {
    return Object.fromEntries(
      [...this.engine.entries(PARTITION)].map(([id, { value }]) => [id.slice(1), value.data]),
    );
  }
}

/** Returns a key that the engine takes for one of the partition, whatever its hash. */
function keyOf(data: string): EngineKey {
  return { id: keyId(stringKey(data)), partition: PARTITION };
}

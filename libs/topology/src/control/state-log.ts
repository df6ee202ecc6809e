import type { Plan, StalledPartition } from '../planning/draft.js';
import { nameOf, type PartitionEntry, type Topology } from '../topology.js';
import type { ControlPorts } from './ports.js';

/** Tells operators the states of partitions that last: they lack copies, nothing serves them, or they are not assigned. */
export class StateLog {
  readonly #ports: Pick<ControlPorts, 'log' | 'timers'>;
  /** Whether it was told that copies are lacking, or partitions had no node: then the end is told too. */
  #isDoneAwaited = false;
  #shortCount = 0;
  /** When more partitions than before lacked copies. */
  #grownMs = 0;
  /** The highest number that was told since copies are lacking. */
  #toldCount = 0;
  readonly #toldStalls = new Map<StalledPartition['state'], string>();
  /** Since when nodes of the list are missing. */
  #missingSinceMs: number | undefined;
  #toldMissing = '';

  constructor(ports: Pick<ControlPorts, 'log' | 'timers'>) {
    this.#ports = ports;
  }

  /** Call it about every second. */
  note(topology: Topology, { stalled, missing }: Pick<Plan, 'stalled' | 'missing'>): void {
    this.#noteCopies(topology);
    this.#noteMissing(missing);
    this.#noteStalls(topology, stalled, 'unavailable', []);
    this.#noteStalls(topology, stalled, 'lost', ['you decide']);
  }

  /** Primaries miss their copies one after the other, so the number is told once it has stopped growing. */
  #noteCopies(topology: Topology): void {
    const { log, timers } = this.#ports;
    const { partitions, copies } = topology;
    const nowMs = timers.nowMs();
    const short = partitions.filter((entry) => isShort(topology, entry)).length;
    if (short > this.#shortCount) this.#grownMs = nowMs;
    this.#shortCount = short;
    if (short > this.#toldCount && nowMs - this.#grownMs >= SETTLED_MS) {
      this.#toldCount = short;
      this.#isDoneAwaited = true;
      log.info({ partitions: short }, `${short} partitions lack copies`);
    }
    if (partitions.some(({ primary }) => primary === undefined)) this.#isDoneAwaited = true;
    else if (short === 0) {
      this.#toldCount = 0;
      if (this.#isDoneAwaited) log.info({ copies }, 'done: all partitions have all their copies');
      this.#isDoneAwaited = false;
    }
  }

  /** A node of the list may have joined already, but with another address than the list has. */
  #noteMissing(missing: readonly string[]): void {
    const { log, timers } = this.#ports;
    const nowMs = timers.nowMs();
    this.#missingSinceMs = missing.length === 0 ? undefined : (this.#missingSinceMs ?? nowMs);
    if (this.#missingSinceMs === undefined || nowMs - this.#missingSinceMs < SETTLED_MS) return;
    const names = listOf(missing);
    if (names === this.#toldMissing) return;
    this.#toldMissing = names;
    log.warn(
      { missing },
      `the partitions are not assigned until nodes with these addresses join, which the proxy was given: ${names}`,
    );
  }

  #noteStalls(
    topology: Topology,
    stalled: readonly StalledPartition[],
    state: StalledPartition['state'],
    otherwise: readonly string[],
  ): void {
    const { log } = this.#ports;
    const found = stalled.filter((one) => one.state === state);
    const told = this.#toldStalls.get(state);
    if (found.length === 0) {
      if (this.#toldStalls.delete(state)) log.info({}, `no partition is ${state} any more`);
      return;
    }
    const awaited = [...new Set(found.flatMap((one) => one.awaited))].map((it) => nameOf(topology, it));
    const ends = [...untilBack(awaited), ...otherwise].join(', or ');
    const message = `${found.length} partitions are ${state} until ${ends}`;
    if (message !== told) log.warn({ partitions: found.length, state, awaited }, message);
    this.#toldStalls.set(state, message);
  }
}

function untilBack(names: readonly string[]): string[] {
  if (names.length === 0) return [];
  if (names.length === 1) return [`${names.join()} is back`];
  return [`these are back: ${listOf(names)}`];
}

function listOf(names: readonly string[]): string {
  const more = names.length > MAX_NAMES ? ` and ${names.length - MAX_NAMES} others` : '';
  return `${names.slice(0, MAX_NAMES).join(', ')}${more}`;
}

/** Returns whether a partition that was assigned has fewer copies than wanted. */
export function isShort({ copies }: Topology, { primary, inSync }: PartitionEntry): boolean {
  return primary !== undefined && inSync.length < copies;
}

const SETTLED_MS = 5000;
const MAX_NAMES = 5;

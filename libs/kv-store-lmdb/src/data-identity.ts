import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { EngineIdentity } from '@kvs/kv-store';
import type { Durability } from './lmdb-engine-options.js';

/** The stored identity of a data directory. It is kept as long as pairs change with the replication role only. */
export interface StoredIdentity {
  readonly bootId: string;
  readonly starts: number;
  /** Identifies the time since the machine was started. */
  readonly machine: string;
  /** Of the process that started last. */
  readonly durability: Durability;
}

/** The facts about a directory and its machine when a process opens it. */
export interface Opening {
  /** Of this process. */
  readonly durability: Durability;
  /** Identifies the time since the machine was started. */
  readonly machine: string;
  /** The {@link closedText} in the directory; undefined if there is none. */
  readonly closedText: string | undefined;
}

/** Returns the identity for one more start. It has another boot id if acknowledged writes may be missing. */
export function nextIdentity(stored: StoredIdentity | undefined, opening: Opening): StoredIdentity {
  if (stored === undefined || !isWhole(stored, opening)) return newIdentity(opening);
  const { durability, machine } = opening;
  return { ...stored, starts: stored.starts + 1, durability, machine };
}

/** Whether the pairs of an identity have every write that was acknowledged before this process opened them. */
export function isWhole(stored: StoredIdentity, opening: Opening): boolean {
  const { durability, machine } = stored;
  return opening.closedText === closedText(stored) || durability === 'sync' || machine === opening.machine;
}

/**
 * Returns the text of the file `closed` of a directory that was closed in good order, so that the disk has all of its writes. If the
 * pairs have changed since, the text is another one, because each start with the replication role counts. So a file that is left over
 * proves nothing: a version of kvs that does not know the file may have used the directory, or somebody copied files over it.
 */
export function closedText({ bootId, starts }: StoredIdentity): string {
  return `${bootId} ${starts}\n`;
}

export function newIdentity({ durability, machine }: Opening): StoredIdentity {
  return { bootId: randomUUID(), starts: 1, machine, durability };
}

export function engineIdentity({ bootId, starts }: StoredIdentity): EngineIdentity {
  return { bootId, starts, isDurable: true };
}

export function identityToBytes(identity: StoredIdentity): Buffer {
  return Buffer.from(JSON.stringify(identity));
}

/** Returns undefined for bytes that hold no identity. */
export function identityFromBytes(bytes: Buffer | undefined): StoredIdentity | undefined {
  if (bytes === undefined) return undefined;
  const [bootId, starts, machine, durability] = fieldsOf(bytes);
  if (typeof bootId !== 'string' || typeof starts !== 'number' || typeof machine !== 'string')
    return undefined;
  return { bootId, starts, machine, durability: durability === 'sync' ? 'sync' : 'commit' };
}

function fieldsOf(bytes: Buffer): unknown[] {
  const value: unknown = JSON.parse(bytes.toString());
  if (typeof value !== 'object' || value === null) return [];
  return ['bootId', 'starts', 'machine', 'durability'].map((name) => Reflect.get(value, name));
}

/**
 * Returns text that changes when the machine is restarted. On systems that don't tell, every start of the process counts as a
 * restart.
 */
export function machineStart(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return PROCESS_START;
  }
}

const PROCESS_START = randomUUID();

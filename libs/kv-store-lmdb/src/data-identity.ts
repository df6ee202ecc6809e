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

/** Returns the identity for one more start. It has another boot id if acknowledged writes may be missing. */
export function nextIdentity(
  stored: StoredIdentity | undefined,
  durability: Durability,
  machine: string,
): StoredIdentity {
  if (stored === undefined || (stored.durability !== 'sync' && stored.machine !== machine))
    return newIdentity(durability, machine);
  return { ...stored, starts: stored.starts + 1, durability, machine };
}

export function newIdentity(durability: Durability, machine: string): StoredIdentity {
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
    return randomUUID();
  }
}

import type { EngineWrite, EngineKey, StorageEngine } from '@kvs/kv-store';
import { keyId, partitionOf, stringKey, stringValue } from '@kvs/protocol';

export function placed(text: string): EngineKey {
  const key = stringKey(text);
  return { id: keyId(key), partition: partitionOf(key) };
}

export function write(text: string, value = 'v', expiresAtMs?: number): EngineWrite {
  return { ...placed(text), value: stringValue(value), expiresAtMs, ifVersion: undefined };
}

/** Returns the value's data, or the status of the outcome if there is none. */
export async function read(engine: StorageEngine, text: string): Promise<string | undefined> {
  const [outcome] = await engine.getMany([placed(text)]);
  return outcome?.status === 'found' ? outcome.value.data : outcome?.status;
}

export async function scanIds(engine: StorageEngine): Promise<string[]> {
  const ids: string[] = [];
  for await (const { pairs } of engine.scan(EVERY_PARTITION)) ids.push(...pairs.map(({ id }) => id));
  return ids.sort();
}

/** Returns whether the engine answers, to poll for its recovery. */
export async function answers(engine: StorageEngine): Promise<boolean> {
  try {
    const [outcome] = await engine.getMany([placed('any')]);
    return outcome?.status !== 'unavailable';
  } catch {
    return false;
  }
}

const EVERY_PARTITION = Array.from({ length: 4096 }, (_, partition) => partition);

import { PARTITION_COUNT, type DeleteItem, type SetItem } from '@kvs/protocol';

// Items of requests were validated when they arrived. These checks find mistakes of programs that call the store
// themselves. The store checks all items before it applies the first.

/** @throws TypeError or RangeError */
export function checkSetItems(items: readonly SetItem[]): void {
  for (const { ttlMs, expiresAtMs, ifVersion } of items) {
    checkInteger('ttlMs', ttlMs, 1);
    checkInteger('expiresAtMs', expiresAtMs, 0);
    if (ttlMs !== undefined && expiresAtMs !== undefined)
      throw new TypeError('an item has ttlMs or expiresAtMs, not both');
    checkInteger('ifVersion', ifVersion, 0);
  }
}

/** @throws TypeError or RangeError */
export function checkDeleteItems(items: readonly DeleteItem[]): void {
  for (const { ifVersion } of items) checkInteger('ifVersion', ifVersion, 0);
}

/** @throws TypeError or RangeError */
export function checkPartitions(partitions: readonly number[]): void {
  let previous = -1;
  for (const partition of partitions) {
    checkInteger('a partition', partition, 0);
    if (partition >= PARTITION_COUNT)
      throw new RangeError(`a partition is below ${PARTITION_COUNT}, not ${partition}`);
    if (partition <= previous)
      throw new RangeError(`partitions ascend, but ${partition} follows ${previous}`);
    previous = partition;
  }
}

function checkInteger(name: string, value: number | undefined, min: number): void {
  if (value === undefined) return;
  if (typeof value !== 'number') throw new TypeError(`${name} is a number, not ${typeof value}`);
  if (Number.isSafeInteger(value) && value >= min) return;
  throw new RangeError(`${name} is a whole number from ${min}, not ${value}`);
}

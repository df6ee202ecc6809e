import { setImmediate } from 'node:timers/promises';
import type { MaybePromise } from '@kvs/protocol';
import type { EngineEffect, EngineReplication, Position } from '../engine/engine-replication.js';
import type { EngineDelete, EnginePair, EngineWrite } from '../engine/storage-engine.js';

/** The replication of an engine, with answers by promise wherever the contract allows them. */
export class PromisedReplication implements EngineReplication {
  readonly #replication: EngineReplication;

  constructor(replication: EngineReplication) {
    this.#replication = replication;
  }

  start() {
    return later(() => this.#replication.start());
  }

  renewBootId() {
    return later(() => this.#replication.renewBootId());
  }

  write(partition: number, writes: readonly EngineWrite[], epoch: number) {
    return later(() => this.#replication.write(partition, writes, epoch));
  }

  delete(partition: number, deletes: readonly EngineDelete[], epoch: number) {
    return later(() => this.#replication.delete(partition, deletes, epoch));
  }

  apply(partition: number, effects: readonly EngineEffect[], highestVersion: number) {
    return later(() => this.#replication.apply(partition, effects, highestVersion));
  }

  fill(partition: number, pairs: readonly EnginePair[]) {
    return later(() => this.#replication.fill(partition, pairs));
  }

  reset(partition: number, position: Position) {
    return later(() => this.#replication.reset(partition, position));
  }

  beginFill(partition: number, position: Position) {
    return later(() => this.#replication.beginFill(partition, position));
  }

  endFill(partition: number) {
    return later(() => this.#replication.endFill(partition));
  }

  raiseFloor(partition: number, version: number) {
    return later(() => this.#replication.raiseFloor(partition, version));
  }

  highestVersion(partition: number) {
    return this.#replication.highestVersion(partition);
  }

  position(partition: number) {
    return this.#replication.position(partition);
  }

  heldPartitions() {
    return this.#replication.heldPartitions();
  }

  incompletePartitions() {
    return this.#replication.incompletePartitions();
  }

  isFull() {
    return this.#replication.isFull();
  }
}

/** Calls in the next turn of the event loop, and answers in a later one. */
export async function later<T>(call: () => MaybePromise<T>): Promise<T> {
  await setImmediate();
  const answer = await call();
  await setImmediate();
  return answer;
}

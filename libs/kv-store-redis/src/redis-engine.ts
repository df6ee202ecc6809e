import {
  microsToMs,
  type Clock,
  type EngineChunk,
  type EngineDelete,
  type EngineDeleteOutcome,
  type EngineFactory,
  type EngineFactoryOptions,
  type EnginePresenceOutcome,
  type EngineReadOutcome,
  type EngineScanOptions,
  type EngineStats,
  type EngineWrite,
  type EngineWriteOutcome,
  type EngineKey,
  type StorageEngine,
} from '@kvs/kv-store';
import {
  ALL_PARTITIONS,
  answerTooLarge,
  KvsError,
  leastBytes,
  PARTITION_COUNT,
  systemTimers,
} from '@kvs/protocol';
import { BatchRunner, readOperation, writeOperation } from './batch-runner.js';
import { askPresence, fetchWithin, keyBytes, readPairs } from './bounded-fetch.js';
import { bytesIn, deleteOutcomes, numberIn, writeOutcomes } from './data/answers.js';
import { encodeData, encodeKeyId, pairTag, type Bytes } from './data/pair-codec.js';
import { partitionKeys, storeIdKeys } from './data/partition-keys.js';
import { DELETE, RECLAIM, SET } from './data/scripts.js';
import { ExpirySweep } from './expiry-sweep.js';
import { scanPartitions } from './partition-scan.js';
import { PendingCalls } from './pending-calls.js';
import { settingsOf, type RedisEngineOptions } from './redis-engine-options.js';
import { PartitionClient } from './servers/partition-client.js';
import { Topology } from './servers/topology.js';

/**
 * Returns a factory that opens a {@link RedisEngine} and waits for Redis to answer, for at most one and a half
 * `timeoutMs`. The factory rejects with `KvsError` of code `engine_unavailable` if Redis lacks what the options ask for (a
 * database with that number, or a Cluster if there are several URLs). A Redis that is away is no error.
 *
 * @throws TypeError or RangeError for options that cannot be
 */
export function redisEngine(options: RedisEngineOptions): EngineFactory {
  settingsOf(options);
  return async ({ clock }) => {
    const engine = new RedisEngine({ ...options, clock });
    await engine.opened();
    return engine;
  };
}

/**
 * Keeps the pairs in Redis or Valkey. It connects in the background and reconnects when necessary. A call that Redis
 * does not answer within the timeout is `engine_unavailable`.
 */
export class RedisEngine implements StorageEngine {
  readonly name = 'redis';
  readonly capabilities = Object.freeze({ durable: true, shared: true });

  readonly #clock: Clock;
  readonly #topology: Topology;
  readonly #calls: PendingCalls;
  readonly #client: PartitionClient;
  readonly #batches: BatchRunner;
  readonly #prefix: string;
  readonly #sweep: ExpirySweep;

  /** @param timers measures timeouts. Those of connections pass in real time anyway */
  constructor({ clock, ...options }: RedisEngineOptions & EngineFactoryOptions, timers = systemTimers) {
    const settings = settingsOf(options, timers);
    this.#clock = clock;
    this.#topology = new Topology(settings);
    this.#calls = new PendingCalls(settings);
    this.#client = new PartitionClient(this.#topology);
    this.#batches = new BatchRunner(this.#calls, this.#client, partitionKeys(settings.prefix));
    this.#prefix = settings.prefix;
    this.#sweep = new ExpirySweep(
      (partitions, limit) => this.#reclaim(partitions, limit),
      settings.sweepIntervalMs,
      Math.floor(Math.random() * PARTITION_COUNT),
    );
  }

  /** Resolves when Redis was asked for the first time. For errors, see {@link redisEngine}. */
  async opened(): Promise<void> {
    await this.#topology.refresh();
    const { mismatch } = this.#topology;
    if (mismatch === undefined) return;
    await this.close();
    throw new KvsError('engine_unavailable', mismatch.message);
  }

  async getMany(keys: readonly EngineKey[], maxBytes = Infinity): Promise<readonly EngineReadOutcome[]> {
    const nowMicros = this.#clock.nowMicros();
    // A single value is read at once, because asking for its size first would cost another round trip.
    const outcomes =
      keys.length <= 1 || maxBytes === Infinity
        ? await this.#batches.onItems(keys, readPairs(nowMicros))
        : await this.#fetchWithin(keys, maxBytes, nowMicros);
    refuseBeyond(maxBytes, outcomes);
    return outcomes;
  }

  hasMany(keys: readonly EngineKey[]): Promise<readonly EnginePresenceOutcome[]> {
    return this.#batches.onItems(keys, askPresence(this.#clock.nowMicros()));
  }

  setMany(writes: readonly EngineWrite[]): Promise<readonly EngineWriteOutcome[]> {
    const now = [this.#nowMs(), String(this.#clock.nowMicros())];
    return this.#batches.onItems<EngineWrite, EngineWriteOutcome>(writes, {
      bytesOf: (item) => keyBytes(item) + item.value.data.length,
      operation: (items) => writeOperation(SET, [...now, ...items.flatMap(writeArguments)]),
      outOfMemory: { status: 'out_of_memory' },
      outcomes: writeOutcomes,
    });
  }

  deleteMany(deletes: readonly EngineDelete[]): Promise<readonly EngineDeleteOutcome[]> {
    const now = this.#nowMs();
    return this.#batches.onItems<EngineDelete, EngineDeleteOutcome>(deletes, {
      bytesOf: keyBytes,
      operation: (items) => writeOperation(DELETE, [now, ...items.flatMap(deleteArguments)]),
      outcomes: deleteOutcomes,
    });
  }

  async *scan(
    partitions: readonly number[],
    options: EngineScanOptions = {},
  ): AsyncGenerator<EngineChunk, void, undefined> {
    this.#calls.assertOpen();
    const chunks = scanPartitions(partitions, options, this.#clock, (some, script, args) =>
      this.#batches.onPartitions(some, readOperation(script, args)),
    );
    for await (const chunk of chunks) {
      yield chunk;
      this.#calls.assertOpen();
    }
  }

  async stats(): Promise<EngineStats> {
    const lengths = await this.#batches.onPartitions(ALL_PARTITIONS, readOperation('HLEN', []));
    const counts = lengths.map(numberIn);
    return {
      pairCount: counts.reduce((sum, count) => sum + count, 0),
      partitionCount: counts.filter((count) => count > 0).length,
    };
  }

  async sharedStoreId(proposed: string): Promise<string> {
    const keys = storeIdKeys(this.#prefix);
    const batches = new BatchRunner(this.#calls, this.#client, () => keys);
    const ask = async () => (await batches.onPartitions([0], readOperation('GET', [])))[0];
    // A full Redis refuses a SET also if NX would change nothing.
    const id = await ask();
    if (id !== null) return bytesIn(id).toString();
    await batches.onPartitions([0], writeOperation('SET', [proposed, 'NX']));
    return bytesIn(await ask()).toString();
  }

  /** Returns the state of at most one second and half of `timeoutMs` ago. */
  obstacle(): string | undefined {
    return this.#topology.obstacle;
  }

  async close(): Promise<void> {
    this.#sweep.stop();
    await this.#calls.close();
    this.#topology.close();
  }

  #fetchWithin(
    keys: readonly EngineKey[],
    maxBytes: number,
    nowMicros: number,
  ): Promise<readonly EngineReadOutcome[]> {
    // The caller may change the keys while Redis is asked for the sizes.
    const asked = keys.map(({ id, partition }) => ({ id, partition }));
    return this.#batches.inSteps(asked, keyBytes, (steps) => fetchWithin(asked, maxBytes, nowMicros, steps));
  }

  async #reclaim(partitions: readonly number[], limit: number): Promise<readonly number[]> {
    const operation = writeOperation(RECLAIM, [this.#nowMs(), String(limit)]);
    return (await this.#batches.onPartitions(partitions, operation)).map(numberIn);
  }

  #nowMs(): string {
    return String(microsToMs(this.#clock.nowMicros()));
  }
}

/** @throws KvsError `answer_too_large` */
function refuseBeyond(maxBytes: number, outcomes: readonly EngineReadOutcome[]): void {
  let bytes = 0;
  for (const outcome of outcomes) {
    if (outcome.status === 'found') bytes += leastBytes(outcome.value);
  }
  if (bytes > maxBytes) throw answerTooLarge(maxBytes);
}

function writeArguments({ id, value, expiresAtMs, ifVersion }: EngineWrite): Bytes[] {
  return [
    encodeKeyId(id),
    pairTag(value, expiresAtMs),
    String(expiresAtMs ?? ''),
    String(ifVersion ?? ''),
    encodeData(value),
  ];
}

function deleteArguments({ id, ifVersion }: EngineDelete): Bytes[] {
  return [encodeKeyId(id), String(ifVersion ?? '')];
}

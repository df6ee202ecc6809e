import { stringValue, type KeyId } from '@kvs/protocol';
import type { WriteAnswer, WriteBatch } from '@kvs/replication';
import { idOf } from '../check/copies.js';
import type { Act, Result } from '../check/history.js';
import type { Call, Reply } from './calls.js';
import type { RunningNode } from './running-node.js';
import type { Surroundings } from './surroundings.js';

/** Does a call at a node, and notes what the node acknowledges. */
export function serveCall(
  cluster: Surroundings,
  node: RunningNode,
  call: Call,
  epoch: number,
  reply: (reply: Reply) => void,
): void {
  const { partition, key, act } = call;
  if (act.kind === 'read') {
    const keys = key === undefined ? cluster.clients.keysOf(partition) : [key];
    serveRead(node, partition, keys, epoch, key === undefined, reply);
    return;
  }
  if (key === undefined) throw new TypeError('a write has a key');
  const batch = batchOf(node, partition, key, act);
  node.replica.write(partition, batch, epoch, (answer) => {
    if (answer.kind === 'done') acknowledge(cluster, node, key, answer);
    reply(replyOf(key, answer));
  });
}

function serveRead(
  node: RunningNode,
  partition: number,
  keys: readonly string[],
  epoch: number,
  isScan: boolean,
  reply: (reply: Reply) => void,
): void {
  const ids = keys.map(idOf);
  node.replica.read<ReadonlyMap<string, Result>>(
    partition,
    isScan ? 'all' : ids,
    epoch,
    (done) =>
      node.engine.readMany(partition, ids, (entries) => {
        const results = new Map<string, Result>();
        for (const key of keys) {
          const entry = entries.get(idOf(key));
          if (entry !== undefined)
            results.set(key, { kind: 'found', value: entry.value.data, version: entry.version });
        }
        done(results);
      }),
    (answer) => {
      if (answer.kind === 'done') reply({ kind: 'done', results: answer.result });
      else if (answer.code === 'wrong_node') reply({ kind: 'wrongNode' });
      else reply({ kind: 'failed', code: answer.code, maybeApplied: false });
    },
  );
}

type Write = Exclude<Act, { kind: 'read' }>;

function batchOf(node: RunningNode, partition: number, key: string, act: Write): WriteBatch {
  const id: KeyId = idOf(key);
  if (act.kind === 'delete') return { kind: 'delete', items: [{ id, partition, ifVersion: act.ifVersion }] };
  const { value, ifVersion, ttlMs } = act;
  const expiresAtMs = ttlMs === undefined ? undefined : node.clock.nowMs() + ttlMs;
  return {
    kind: 'set',
    items: [{ id, partition, value: stringValue(value), expiresAtMs, ifVersion }],
  };
}

function acknowledge(
  cluster: Surroundings,
  { engine }: RunningNode,
  key: string,
  { result }: Extract<WriteAnswer, { kind: 'done' }>,
): void {
  if (result.kind === 'set') {
    const [outcome] = result.outcomes;
    if (outcome?.status === 'written') cluster.acknowledged.written(key, outcome.version);
  } else {
    const [outcome] = result.outcomes;
    const version = outcome && engine.removedVersions.get(outcome);
    if (version !== undefined) cluster.acknowledged.removed(key, version);
  }
  cluster.checkCopies();
}

function replyOf(key: string, answer: WriteAnswer): Reply {
  if (answer.kind === 'maybeApplied') return { kind: 'failed', code: 'maybe_applied', maybeApplied: true };
  if (answer.kind === 'refused') {
    return answer.code === 'wrong_node'
      ? { kind: 'wrongNode' }
      : { kind: 'failed', code: answer.code, maybeApplied: false };
  }
  const [outcome] = answer.result.outcomes;
  switch (outcome?.status) {
    case 'written':
      return done(key, { kind: 'set', version: outcome.version });
    case 'deleted':
      return done(key, { kind: 'deleted' });
    case 'absent':
      return done(key, { kind: 'absent' });
    case 'version_mismatch':
      return done(key, { kind: 'mismatch' });
    case 'out_of_memory':
      return { kind: 'failed', code: 'out_of_memory', maybeApplied: false };
    case 'unavailable':
      return { kind: 'failed', code: 'engine_unavailable', maybeApplied: outcome.maybeApplied === true };
    case undefined:
      throw new TypeError('a write of one item has no outcome');
  }
}

function done(key: string, result: Result): Reply {
  return { kind: 'done', results: new Map([[key, result]]) };
}

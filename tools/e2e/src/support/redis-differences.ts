import type { RespReply } from './resp-client.js';
import type { Arguments, Sequence } from './redis-sequences.js';

/**
 * Replies without what may differ between Redis and kvs. docs/redis.md lists the differences.
 *
 * - Times: the servers do not run a command in the same millisecond.
 * - OBJECT and MEMORY USAGE tell about how a server stores a pair.
 * - DBSIZE and MEMORY USAGE of Redis also know pairs that have expired and were not reclaimed.
 * - KEYS and SCAN have no order.
 */
export function comparable(replies: readonly RespReply[], sequence: Sequence): readonly unknown[] {
  const queued: { [client: number]: Arguments[] | undefined } = {};
  return replies.map((reply, i) => {
    const step = sequence[i];
    // After the sequence come the answers of GET, PTTL, KEYS, DBSIZE and SCAN.
    if (step === undefined) return simplify(reply, reply.items === undefined ? 'pttl' : 'keys');
    const name = nameOf(step.command);
    if (reply.text === 'QUEUED') (queued[step.client] ??= []).push(step.command);
    if (name !== 'exec') {
      if (reply.text === 'OK' && (name === 'discard' || name === 'multi')) queued[step.client] = undefined;
      return simplify(reply, name);
    }
    const commands = queued[step.client] ?? [];
    queued[step.client] = undefined;
    if (reply.items === undefined) return simplify(reply, name);
    return { ...reply, items: reply.items.map((item, at) => simplify(item, nameOf(commands[at] ?? []))) };
  });
}

function nameOf([name = '', ...args]: Arguments): string {
  const text = String(name).toLowerCase();
  return text === 'object' ? `object ${String(args[0]).toLowerCase()}` : text;
}

function simplify(reply: RespReply, name: string): unknown {
  if (TIMES.has(name) && reply.type === ':') {
    const time = Number(reply.text);
    // All times in tests differ by more than a tenth.
    return time < 0 ? time : Math.round(Math.log(time + 1) * 10);
  }
  if (name === 'keys' && reply.items) return reply.items.map(({ text }) => text).sort();
  if (name === 'memory' && reply.type !== '-') return 'told';
  if (STORAGE.has(name) && (reply.type === ':' || reply.type === '$') && reply.text !== undefined)
    return 'told';
  return reply;
}

const TIMES = new Set(['ttl', 'pttl', 'expiretime', 'pexpiretime']);
const STORAGE = new Set(['object encoding', 'object refcount', 'object idletime', 'dbsize']);

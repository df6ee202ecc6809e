import type { Limits, MaybePromise } from '@kvs/protocol';
import type { Admission } from '@kvs/server';
import type { Slots } from '../cluster/slots.js';
import { keysOf, type Command, type CommandContext, type CommandQueue } from '../command.js';
import { discarded, errorReply, isRepeated } from '../failures.js';
import {
  BATCHES,
  FetchCount,
  unitsOf,
  type CallKind,
  type CallKinds,
  type Keyspace,
  type SingleCall,
} from '../keyspace/index.js';
import { Encoded, RedisError, sizeOf, type Reply } from '../reply.js';
import { wireBytes } from '../resp/reply-writer.js';
import type { Request } from '../resp/request-reader.js';
import { settle } from '../settle.js';
import { admitted, type Work } from './admitted.js';
import type { CommandTable } from './command-table.js';
import type { RedisMetrics } from './redis-metrics.js';

/** The parts that the runners of a listener share. */
export interface RunnerParts {
  readonly commands: CommandTable;
  readonly keyspace: Keyspace;
  /** Undefined if the process serves all keys. */
  readonly slots: Slots | undefined;
  readonly admission: Admission;
  readonly metrics: RedisMetrics;
  readonly limits: Limits;
  /** Called with an error that is a defect: a command failed with it. */
  readonly onError: (error: unknown) => void;
}

/**
 * Runs the commands of one connection, one after the other. Consecutive single calls of one kind go to the operations as one
 * batch.
 */
export class CommandRunner {
  readonly #parts: RunnerParts;
  readonly #context: CommandContext;
  readonly #nextRequest: () => Request | undefined;
  readonly #reply: (reply: Reply) => void;
  /** Requests that were read and have not run. */
  readonly #ahead: Prepared[] = [];
  readonly #maxFetches = new FetchCount(MAX_BATCH_CALLS);
  #isLong = false;
  #lastCommand = '';
  #queuedBytes = 0;

  /**
   * @param nextRequest returns undefined if none has arrived in full
   * @param reply called once for each request, in order
   */
  constructor(
    parts: RunnerParts,
    context: CommandContext,
    nextRequest: () => Request | undefined,
    reply: (reply: Reply) => void,
  ) {
    this.#parts = parts;
    this.#context = context;
    this.#nextRequest = nextRequest;
    this.#reply = reply;
  }

  /** The name of the command that runs, or else of the last one; empty before the first. */
  get lastCommand(): string {
    return this.#lastCommand;
  }

  /** The bytes of the commands between MULTI and EXEC that are counted as held. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Whether the last step may have taken long: it was no batch of single calls with small values. */
  get isLong(): boolean {
    return this.#isLong;
  }

  /**
   * Runs the next command, or the next batch of commands.
   *
   * @returns false if no request has arrived in full; a promise if the command is not done at once
   */
  step(): MaybePromise<boolean> {
    const next = this.#next();
    this.#isLong = false;
    switch (next?.kind) {
      case undefined:
        return false;
      case 'refused':
        this.#lastCommand = next.name ?? this.#lastCommand;
        this.#answer(next.name, next.refusal);
        return true;
      case 'run':
        return this.#runOne(next);
      case 'call':
        return this.#runCalls(next);
    }
  }

  #next(): Prepared | undefined {
    const ahead = this.#ahead.shift();
    if (ahead !== undefined) return ahead;
    const request = this.#nextRequest();
    return request && this.#prepare(request);
  }

  /** Decides what is to be done with a request. */
  #prepare(request: Request): Prepared {
    const command = this.#parts.commands.find(request);
    if (command instanceof RedisError) return this.#prepareInvalid(request, command);
    if (command.inMulti === 'runsQueue') return this.#prepareExec(command, request);
    const { queue } = this.#context.client;
    const refusal = this.#parts.slots?.refusal(keysOf(command, request.args));
    if (refusal !== undefined) {
      queue?.refuse(refusal);
      return { kind: 'refused', name: command.name, refusal };
    }
    if (command.single === undefined || queue !== undefined) return { kind: 'run', command, request };
    try {
      const call = command.single(request.args, this.#context.keyspace);
      if (call === undefined) return { kind: 'run', command, request };
      return { kind: 'call', name: command.name, bytes: request.bytes, call };
    } catch (error) {
      return { kind: 'refused', name: command.name, refusal: this.#errorReply(error) };
    }
  }

  #prepareInvalid({ name }: Request, error: RedisError): Prepared {
    const { client } = this.#context;
    if (this.#parts.commands.named(name)?.inMulti === 'runsQueue') {
      this.#discardQueue();
      return { kind: 'refused', name: undefined, refusal: discarded(error) };
    }
    client.queue?.refuse(error);
    if (HTTP_WORDS.test(name)) client.destroy();
    return { kind: 'refused', name: undefined, refusal: error };
  }

  #prepareExec(command: Command, request: Request): Prepared {
    const refusal = this.#parts.slots?.refusal(this.#context.client.queue?.keys ?? []);
    if (refusal === undefined) return { kind: 'run', command, request };
    return { kind: 'refused', name: command.name, refusal: this.#refusedExec(refusal) };
  }

  /** Returns the first call with those of its kind that follow. */
  #gather<K extends CallKind>(first: CallOfKind<K>, kind: K): CallOfKind<K>[] {
    const batch = [first];
    const maxCalls = kind === 'fetch' ? this.#maxFetches.value : MAX_BATCH_CALLS;
    while (batch.length < maxCalls) {
      const next = this.#next();
      if (next === undefined) break;
      if (!isCall(next, kind)) {
        this.#ahead.unshift(next);
        break;
      }
      batch.push(next);
    }
    return batch;
  }

  /** Runs a call, with those of its kind that follow. */
  #runCalls<K extends CallKind>(first: CallOfKind<K>): MaybePromise<boolean> {
    const { kind }: SingleCall<K> = first.call;
    this.#lastCommand = first.name;
    const batch = this.#gather(first, kind);
    const calls: readonly PreparedCall<K>[] = batch;
    const items = calls.map(({ call }) => call.item);
    const fail = (error: unknown): boolean => {
      if (this.#maxFetches.lowerAfter(error, batch.length)) {
        this.#ahead.unshift(...batch);
        this.#isLong = true;
        return true;
      }
      const reply = this.#errorReply(error);
      for (const { name } of batch) this.#answer(name, reply);
      return true;
    };
    const finish = (outcomes: readonly CallKinds[K]['outcome'][]): boolean => {
      if (kind === 'fetch') this.#learnFrom(outcomes);
      this.#lastCommand = batch.at(-1)?.name ?? '';
      calls.forEach(({ name, call }, i) =>
        this.#answer(
          name,
          this.#attempt(() => call.answer(outcomes[i])),
        ),
      );
      return true;
    };
    let bytes = 0;
    for (const prepared of batch) bytes += prepared.bytes;
    // Requests that were read ahead are in memory while the batch runs. They are checked when their turn comes.
    let heldBytes = bytes;
    for (const prepared of this.#ahead) heldBytes += bytesOf(prepared);
    const { admission, keyspace } = this.#parts;
    const run = (): MaybePromise<readonly CallKinds[K]['outcome'][]> => BATCHES[kind](keyspace, items);
    return admitted(admission, { bytes, heldBytes, isRead: kind === 'fetch', run }, finish, fail);
  }

  #learnFrom(outcomes: readonly CallKinds[CallKind]['outcome'][]): void {
    const units = unitsOf(outcomes);
    this.#isLong = units > MAX_SHORT_UNITS;
    this.#maxFetches.raiseAfter(outcomes.length, units);
  }

  #runOne({ command, request }: PreparedRun): MaybePromise<boolean> {
    const { client } = this.#context;
    const finish = (reply: Reply): boolean => {
      this.#answer(command.name, reply);
      return true;
    };
    this.#lastCommand = command.fullName?.(request.args) ?? command.name;
    if (client.queue !== undefined && command.inMulti === undefined)
      return finish(this.#addToQueue(client.queue, command, request));
    const fail = (error: unknown): boolean => finish(this.#errorReply(error));
    const run = (): MaybePromise<Reply> => command.run(request.args, this.#context);
    this.#isLong = true;
    const { bytes } = request;
    if (client.queue !== undefined && command.inMulti === 'runsQueue')
      return this.#runQueue({ bytes, isRead: client.queue.isRead, run }, finish);
    const isRead = command.flags.includes('readonly') || command.readsPairs?.(request.args) === true;
    const isAboutPairs = command.keys !== undefined || isRead || command.flags.includes('write');
    if (!isAboutPairs) return settle(run, (reply) => finish(this.#refusalIfLarge(reply) ?? reply), fail);
    return admitted(this.#parts.admission, { bytes, isRead, run }, finish, fail);
  }

  /**
   * A full server still tells about itself, but only in replies that take little memory of their own: each client may leave one
   * unread.
   */
  #refusalIfLarge(reply: Reply): RedisError | undefined {
    if (reply instanceof Encoded || sizeOf(reply) <= MAX_SMALL_BYTES) return undefined;
    const refusal = this.#parts.admission.refusalOfAnswer(0);
    if (refusal === undefined) return undefined;
    // Unread replies are bytes on the wire, and many small parts take fewer of these.
    const { length } = wireBytes(reply, this.#context.client.protocol);
    return length <= MAX_SMALL_BYTES ? undefined : this.#errorReply(refusal);
  }

  /** A queue counts as held bytes, because a client may leave it for as long as it wants. */
  #addToQueue(queue: CommandQueue, command: Command, { args }: Request): Reply {
    const before = queue.bytes;
    const reply = queue.add(command, args);
    const refusal = this.#parts.admission.hold(queue.bytes - before, before);
    if (refusal === undefined) {
      this.#queuedBytes += queue.bytes - before;
      return reply;
    }
    const error = this.#errorReply(refusal);
    queue.refuse(error);
    return error;
  }

  #runQueue(work: Work<Reply>, finish: (reply: Reply) => boolean): MaybePromise<boolean> {
    const ran = (reply: Reply): boolean => {
      this.#discardQueue();
      return finish(reply);
    };
    const fail = (error: unknown): boolean => finish(this.#refusedExec(this.#errorReply(error)));
    return admitted(this.#parts.admission, work, ran, fail);
  }

  /** Ends a transaction that did not run. Returns the error of its EXEC. */
  #refusedExec(refusal: RedisError): RedisError {
    const isWatching = this.#context.client.watched.versions.size > 0;
    this.#discardQueue();
    return isWatching && isRepeated(refusal) ? discarded(refusal) : refusal;
  }

  #discardQueue(): void {
    const { client } = this.#context;
    client.queue = undefined;
    client.watched.clear();
  }

  /** Stops counting the bytes of a queue that is not there any more. */
  releaseQueue(): void {
    this.#parts.admission.release(this.#queuedBytes);
    this.#queuedBytes = 0;
  }

  #attempt(answer: () => Reply): Reply {
    try {
      return answer();
    } catch (error) {
      return this.#errorReply(error);
    }
  }

  #answer(name: string | undefined, reply: Reply): void {
    // Commands can end the queue, such as DISCARD and RESET.
    if (this.#queuedBytes > 0 && this.#context.client.queue === undefined) this.releaseQueue();
    this.#parts.metrics.observe(name, reply instanceof RedisError ? 'error' : 'ok');
    this.#reply(reply);
  }

  #errorReply(error: unknown): RedisError {
    const reply = errorReply(error);
    if (reply !== undefined) return reply;
    this.#parts.onError(error);
    return new RedisError('ERR', 'an unexpected error; the log says more');
  }
}

/** A request with what is to be done with it. */
type Prepared =
  | { readonly kind: 'refused'; readonly name: string | undefined; readonly refusal: RedisError }
  | PreparedRun
  | PreparedCall;

interface PreparedRun {
  readonly kind: 'run';
  readonly command: Command;
  readonly request: Request;
}

interface PreparedCall<K extends CallKind = CallKind> {
  readonly kind: 'call';
  readonly name: string;
  readonly bytes: number;
  readonly call: SingleCall<K>;
}

type CallOfKind<K extends CallKind> = Prepared & PreparedCall<K>;

const MAX_BATCH_CALLS = 128;
/** The largest reply that is sent even if the server is full. */
const MAX_SMALL_BYTES = 64 * 1024;
/** Reading fewer UTF-16 units takes less than a millisecond. */
const MAX_SHORT_UNITS = 64 * 1024;
/**
 * Words of an HTTP request that are no commands. A web page can make a browser send such a request, and its body could contain
 * commands. Redis closes these connections too.
 */
const HTTP_WORDS = /^(post|host:)$/i;

function bytesOf(prepared: Prepared): number {
  switch (prepared.kind) {
    case 'refused':
      return 0;
    case 'run':
      return prepared.request.bytes;
    case 'call':
      return prepared.bytes;
  }
}

function isCall<K extends CallKind>(next: Prepared, kind: K): next is CallOfKind<K> {
  return next.kind === 'call' && next.call.kind === kind;
}

import { Redis, ReplyError } from 'ioredis';
import { systemTimers, type Timers } from '@kvs/protocol';
import type { ServerAddress } from '../redis-url.js';
import type { ServerAccess } from '../redis-engine-options.js';
import { SCRIPTS } from '../data/scripts.js';
import { withResolver, type Deadline } from './deadline.js';
import { lost, unsent, type RedisCommand, type Reply } from './reply.js';
import { readServerError } from './server-error.js';
import { addressName } from './slot-ranges.js';

/** Why a connection cannot be used. */
export interface ConnectionProblem {
  readonly message: string;
  /** `refused`: an operator must act first. `mismatch`: the server lacks something that the settings require. */
  readonly kind: 'passing' | 'refused' | 'mismatch';
}

/**
 * One connection to one server. It reconnects by itself. Nothing is queued while it is down, and nothing is sent
 * twice. If a server is silent for too long, the connection is replaced, so that waiting calls cannot pile up.
 */
export class RedisConnection {
  readonly #redis: Redis;
  readonly #address: ServerAddress;
  readonly #name: string;
  readonly #database: number;
  readonly #timeoutMs: number;
  readonly #timers: Timers;
  /** `leaving`: it will reconnect when the calls in flight are answered. */
  #state: 'connecting' | 'up' | 'leaving' | 'down' = 'connecting';
  #problem: ConnectionProblem | undefined;
  /** The first problem of the present attempt to connect. */
  #attemptProblem: ConnectionProblem | undefined;
  #failedAttempts = 0;
  #downSince: number;
  #inFlight = 0;
  #settled = withResolver<undefined>();

  constructor(address: ServerAddress, access: ServerAccess, timeoutMs: number, timers = systemTimers) {
    this.#address = address;
    this.#name = `Redis at ${addressName(address)}`;
    this.#database = access.database;
    this.#timeoutMs = timeoutMs;
    this.#timers = timers;
    this.#downSince = timers.nowMs();
    this.#redis = new Redis({
      ...address,
      connectTimeout: timeoutMs,
      socketTimeout: timeoutMs,
      disconnectTimeout: DISCONNECT_TIMEOUT_MS,
      retryStrategy: () => Math.min(++this.#failedAttempts * RETRY_STEP_MS, RETRY_MAX_MS),
      enableOfflineQueue: false,
      // The client's own check waits while the server loads its data, and hides that reason.
      enableReadyCheck: false,
      autoResendUnfulfilledCommands: false,
      // With 0, calls in flight fail as soon as the connection is lost.
      maxRetriesPerRequest: 0,
      protocol: 2,
      disableClientInfo: true,
      ...(access.username !== undefined && { username: access.username }),
      ...(access.password !== undefined && { password: access.password }),
      ...(access.tls && { tls: access.tls }),
    });
    this.#redis.on('connecting', () => (this.#attemptProblem = undefined));
    this.#redis.on('ready', () => void this.#setUp());
    this.#redis.on('close', () => this.#closed());
    this.#redis.on('error', (error: Error) =>
      this.#attemptFailed(error instanceof ReplyError ? 'refused' : 'passing', reasonOf(error)),
    );
  }

  /** Undefined while it is up or connects for the first time. */
  get problem(): ConnectionProblem | undefined {
    return this.#problem;
  }

  get isUp(): boolean {
    return this.#state === 'up';
  }

  /** Whether the connection was down for long or refused, so that waiting for it is useless. */
  get isAway(): boolean {
    if (this.#state === 'up') return false;
    const isRefused = this.#problem !== undefined && this.#problem.kind !== 'passing';
    return isRefused || this.#timers.nowMs() - this.#downSince > this.#timeoutMs;
  }

  get isIdle(): boolean {
    return this.#inFlight === 0;
  }

  /** Resolves when the connection is up, or when its first attempt to connect has failed. */
  get settled(): Promise<undefined> {
    return this.#settled.promise;
  }

  /** Sends all commands together, at once or not at all. Returns a reply for each, in order, by the deadline. */
  async send(commands: readonly RedisCommand[], deadline: Deadline): Promise<Reply[]> {
    if (deadline.isOver) return unsent(commands, 'the time was over before this was sent to Redis');
    const replies = await deadline.race(this.exchange(commands));
    return replies ?? lost(commands, `${this.#name} did not answer in time`);
  }

  /** As {@link send}, until the server answers or has been silent for the timeout. */
  async exchange(commands: readonly RedisCommand[]): Promise<Reply[]> {
    if (this.#state !== 'up')
      return unsent(commands, this.#problem?.message ?? `${this.#name} has not answered yet`);
    const pipeline = this.#redis.pipeline();
    for (const { name, args } of commands) pipeline.callBuffer(name, [...args]);
    this.#inFlight += 1;
    const results = (await pipeline.exec()) ?? [];
    const replies = results.map((result) => this.#replyOf(result));
    for (const reply of replies) {
      if (reply.kind === 'error' && reply.error.action === 'reconnect') this.reconnect(reply.message);
    }
    this.#inFlight -= 1;
    this.#leaveWhenIdle();
    return replies;
  }

  /** Reconnects when the calls in flight are answered. Until then, nothing is sent. */
  reconnect(reason: string): void {
    if (this.#state !== 'up') return;
    this.#settled = withResolver<undefined>();
    this.#setDown('leaving', { kind: 'passing', message: reason });
    this.#leaveWhenIdle();
  }

  close(): void {
    this.#settled.resolve(undefined);
    this.#redis.removeAllListeners('close');
    this.#redis.disconnect();
  }

  #replyOf([error, value]: readonly [Error | null, unknown]): Reply {
    if (error === null) return { kind: 'answered', value, replicaProblem: undefined };
    if (error instanceof ReplyError) {
      const serverError = readServerError(error.message, this.#address);
      return { kind: 'error', message: `${this.#name}: ${serverError.reason}`, error: serverError };
    }
    return NEVER_SENT.test(error.message)
      ? { kind: 'unsent', message: `${this.#name}: the connection is closed` }
      : { kind: 'lost', message: `${this.#name}: the connection was lost before the answer` };
  }

  /**
   * Prepares the connection. It selects the database itself, because the client would continue with database 0 if the
   * server refuses. After a temporary refusal, such as BUSY, it tries again. Scripts are loaded only for speed.
   */
  async #setUp(): Promise<void> {
    const pipeline = this.#redis.pipeline().call('PING');
    if (this.#database > 0) pipeline.call('SELECT', this.#database);
    for (const { text } of SCRIPTS) pipeline.call('SCRIPT', 'LOAD', text);
    const results = (await pipeline.exec()) ?? [];
    const replies = results.map((result) => this.#replyOf(result));
    // The connection was closed meanwhile, and the client reconnects.
    if (replies.some(({ kind }) => kind === 'lost' || kind === 'unsent')) return;
    const [ping, selected] = replies;
    if (ping?.kind === 'error' && SHUT_OUT.has(ping.error.code)) {
      this.#attemptFailed('refused', ping.error.reason);
      this.#redis.disconnect(true);
    } else if (this.#database > 0 && selected?.kind === 'error') {
      const { action, reason } = selected.error;
      const kind = action === 'failed' ? 'mismatch' : 'passing';
      this.#attemptFailed(kind, `database ${this.#database} cannot be used: ${reason}`);
      this.#redis.disconnect(true);
    } else {
      this.#state = 'up';
      this.#problem = undefined;
      this.#failedAttempts = 0;
      this.#settled.resolve(undefined);
    }
  }

  #attemptFailed(kind: ConnectionProblem['kind'], reason: string): void {
    this.#attemptProblem ??= { kind, message: `${this.#name}: ${reason}` };
  }

  #closed(): void {
    if (this.#state === 'leaving') {
      this.#state = 'connecting';
      return;
    }
    const unknown = `${this.#name}: the connection was closed`;
    this.#setDown('down', this.#attemptProblem ?? { kind: 'passing', message: unknown });
    this.#settled.resolve(undefined);
  }

  #setDown(state: 'leaving' | 'down', problem: ConnectionProblem): void {
    if (this.#state === 'up') this.#downSince = this.#timers.nowMs();
    this.#state = state;
    this.#problem = problem;
  }

  #leaveWhenIdle(): void {
    if (this.#state === 'leaving' && this.#inFlight === 0) this.#redis.disconnect(true);
  }
}

/** The client's message if it finds the socket closed. */
const NEVER_SENT = /^Stream isn't writeable/;

/**
 * Errors of PING from a server that does not serve this client: a password is missing, or there are too many clients.
 */
const SHUT_OUT = new Set(['NOAUTH', 'DENIED', 'ERR']);

/** How long to wait for a clean close. Then the socket is destroyed. */
const DISCONNECT_TIMEOUT_MS = 50;
const RETRY_STEP_MS = 20;
const RETRY_MAX_MS = 500;

/** A host with several addresses fails with an error for each, and no message of its own. */
function reasonOf(error: Error): string {
  return error.message === '' && error instanceof AggregateError ? error.errors.join(', ') : error.message;
}

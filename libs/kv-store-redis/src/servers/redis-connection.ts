import { Redis, ReplyError } from 'ioredis';
import type { ServerAccess, ServerAddress } from '../redis-engine-options.js';
import { SCRIPTS } from '../data/scripts.js';
import { Deadline } from './deadline.js';
import type { RedisCommand, Reply } from './reply.js';
import { lost, unsent } from './reply.js';

/**
 * One connection to one server, which reconnects by itself. Nothing is queued while it is down and nothing is sent
 * twice. A server that is silent for too long is dropped and connected to anew, so that what waits for it cannot
 * pile up.
 */
export class RedisConnection {
  readonly #redis: Redis;
  readonly #timeoutMs: number;
  readonly #name: string;
  #lastError = 'no connection yet';
  #isAway = false;
  #awayTimer: NodeJS.Timeout | undefined;
  #silenceTimer: NodeJS.Timeout | undefined;

  constructor({ host, port }: ServerAddress, access: ServerAccess, timeoutMs: number) {
    this.#name = `Redis at ${host}:${port}`;
    this.#timeoutMs = timeoutMs;
    this.#redis = new Redis({
      host,
      port,
      db: access.database,
      connectTimeout: timeoutMs,
      disconnectTimeout: DISCONNECT_TIMEOUT_MS,
      retryStrategy: (attempt) => Math.min(attempt * RETRY_STEP_MS, RETRY_MAX_MS),
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      protocol: 2,
      disableClientInfo: true,
      ...(access.username !== undefined && { username: access.username }),
      ...(access.password !== undefined && { password: access.password }),
      ...(access.tls && { tls: access.tls }),
    });
    this.#watch();
  }

  /** Whether it has been down for so long that waiting for it would be in vain. */
  get isAway(): boolean {
    return this.#isAway;
  }

  /** Sends all in one piece. A reply for each, in their order. */
  async send(commands: readonly RedisCommand[]): Promise<Reply[]> {
    if (this.#redis.status !== 'ready') return unsent(commands, `${this.#name}: ${this.#lastError}`);
    const pipeline = this.#redis.pipeline();
    for (const { name, args } of commands) pipeline.callBuffer(name, [...args]);
    const deadline = new Deadline(this.#timeoutMs);
    try {
      const results = await deadline.race(pipeline.exec());
      if (results) return results.map((result) => this.#replyOf(result));
      this.#redis.disconnect(true);
      return lost(commands, `${this.#name} did not answer in time`);
    } catch (error) {
      return lost(commands, `${this.#name}: ${String(error)}`);
    } finally {
      deadline.end();
    }
  }

  close(): void {
    clearTimeout(this.#awayTimer);
    clearTimeout(this.#silenceTimer);
    this.#redis.removeAllListeners('close');
    this.#redis.disconnect();
  }

  #replyOf([error, value]: readonly [Error | null, unknown]): Reply {
    if (error === null) return { kind: 'answered', value, isReplicated: true };
    if (error instanceof ReplyError) return { kind: 'refused', message: error.message };
    const kind = NEVER_SENT.test(error.message) ? 'unsent' : 'lost';
    return { kind, message: `${this.#name}: ${error.message}` };
  }

  #watch(): void {
    this.#expectReady();
    // A server that accepts connections but is stuck would otherwise keep this one half-open for ever.
    this.#redis.on('connect', () => {
      clearTimeout(this.#silenceTimer);
      this.#silenceTimer = setTimeout(() => this.#redis.disconnect(true), this.#timeoutMs).unref();
    });
    this.#redis.on('ready', () => {
      this.#loadScripts();
      this.#isAway = false;
      clearTimeout(this.#awayTimer);
      this.#awayTimer = undefined;
      clearTimeout(this.#silenceTimer);
    });
    this.#redis.on('close', () => {
      clearTimeout(this.#silenceTimer);
      this.#expectReady();
    });
    this.#redis.on('error', (error: Error) => (this.#lastError = error.message));
  }

  /** Only for speed: a script that the server does not know is sent to it in full. */
  #loadScripts(): void {
    const pipeline = this.#redis.pipeline();
    for (const { text } of SCRIPTS) pipeline.script('LOAD', text);
    pipeline.exec().catch(() => undefined);
  }

  #expectReady(): void {
    this.#awayTimer ??= setTimeout(() => (this.#isAway = true), this.#timeoutMs).unref();
  }
}

/** What the client says of a command for which it found the socket closed. */
const NEVER_SENT = /^Stream isn't writeable/;

/** For a polite end; then the socket is destroyed. */
const DISCONNECT_TIMEOUT_MS = 50;
const RETRY_STEP_MS = 20;
const RETRY_MAX_MS = 500;

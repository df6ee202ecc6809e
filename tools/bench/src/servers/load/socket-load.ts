import { RequestSocket } from './request-socket.js';

export interface SocketLoadOptions {
  readonly origin: string;
  /** As they go over the wire, in Latin-1. */
  readonly texts: readonly string[];
  readonly connections: number;
  /** Without it, each connection sends the next request when the one before is answered. */
  readonly requestsPerSecond?: number;
  readonly onAnswer: (answer: Answer) => void;
}

export interface Answer {
  readonly status: number;
  /** How long it was waited for, in milliseconds: also for a connection that is free. */
  readonly waitMs: number;
}

/**
 * A load that goes on until it is stopped, and tells of each answer, so that a time before something happens can be told
 * from the time after. Requests come evenly at the rate asked for, whatever is answered: wrk knows no rate, and
 * autocannon sends what a second should have at once. What is due comes once in a millisecond, and is late if
 * connections are not free, which counts as waiting.
 */
export class SocketLoad {
  readonly #idle: RequestSocket[] = [];
  /** When those that wait for a connection came. */
  readonly #queue: number[] = [];
  #queueAt = 0;
  readonly #timer: NodeJS.Timeout | undefined;
  #at = 0;
  #arrived = 0;
  #isStopped = false;

  static async start(options: SocketLoadOptions): Promise<SocketLoad> {
    const sockets = await Promise.all(
      Array.from({ length: options.connections }, () => RequestSocket.connect(options.origin)),
    );
    return new SocketLoad(options, sockets);
  }

  readonly #options: SocketLoadOptions;
  readonly #sockets: readonly RequestSocket[];

  private constructor(options: SocketLoadOptions, sockets: readonly RequestSocket[]) {
    this.#options = options;
    this.#sockets = sockets;

    if (options.requestsPerSecond === undefined) {
      for (const socket of sockets) this.#send(socket, performance.now());
      return;
    }
    const perMs = options.requestsPerSecond / 1000;
    const start = performance.now();
    this.#idle.push(...sockets);
    this.#timer = setInterval(() => this.#arrive((performance.now() - start) * perMs), 1);
  }

  /** Ends all connections, whatever is under way on them. */
  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#timer);
    for (const socket of this.#sockets) socket.close();
  }

  #arrive(due: number): void {
    const now = performance.now();
    for (; this.#arrived + 1 <= due; this.#arrived++) {
      const socket = this.#idle.pop();
      if (socket === undefined) this.#queue.push(now);
      else this.#send(socket, now);
    }
  }

  #send(socket: RequestSocket, cameAt: number): void {
    const { texts } = this.#options;
    const text = texts[this.#at++ % texts.length];
    if (text === undefined) throw new RangeError('there are no requests');
    socket.ask(text, (status) => {
      if (this.#isStopped) return;
      this.#options.onAnswer({ status, waitMs: performance.now() - cameAt });
      this.#next(socket);
    });
  }

  #next(socket: RequestSocket): void {
    if (this.#options.requestsPerSecond === undefined) {
      this.#send(socket, performance.now());
      return;
    }
    const cameAt = this.#queue[this.#queueAt++];
    if (cameAt !== undefined) {
      this.#send(socket, cameAt);
      return;
    }
    this.#queue.length = 0;
    this.#queueAt = 0;
    this.#idle.push(socket);
  }
}

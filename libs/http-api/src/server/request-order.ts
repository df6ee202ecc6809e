import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { bodyLength } from './body.js';

/** Starts to handle a request. */
export type Start = (request: IncomingMessage, response: ServerResponse) => void;

/** The server stops reading from a connection whose waiting requests take this much memory. */
const MAX_WAITING_BYTES = 160 * 1024;

/** About as much memory as a request without headers takes. */
const REQUEST_BYTES = 2500;

/** Node reads about as much of the body of a waiting request. */
const MAX_BODY_BYTES = 64 * 1024;

const CONNECTION = Symbol('connection');

interface OrderedSocket extends Socket {
  [CONNECTION]?: Connection | undefined;
}

/**
 * Starts the requests of each connection one at a time. A client may send several without waiting (pipelining, RFC 9112,
 * section 9.3.2), and may expect that a read sees the write before it. Node keeps only the order of the answers.
 */
export class RequestOrder {
  readonly #waiting: WaitingRequests;

  readonly #onConnection: (connection: Connection) => void;

  /**
   * @param maxWaitingBytes limit of the memory of waiting requests on all connections together. Beyond it, the connection whose
   * requests take most of it is cut, unless it is the only one.
   * @param onConnection is called once per connection, with its first request
   */
  constructor(maxWaitingBytes: number, onConnection: (connection: Connection) => void = () => undefined) {
    this.#onConnection = onConnection;

    this.#waiting = { bytes: 0, maxBytes: maxWaitingBytes, connections: new Set() };
  }

  /** Starts the request when the earlier requests on its connection are answered. */
  add(request: IncomingMessage, response: ServerResponse, start: Start): void {
    const socket: OrderedSocket = request.socket;
    const connection = (socket[CONNECTION] ??= this.#open(socket));
    connection.add({ request, response, start, bytes: 0 });
  }

  #open(socket: Socket): Connection {
    const connection = new Connection(socket, this.#waiting);
    this.#onConnection(connection);
    return connection;
  }
}

/**
 * Calls `proceed` when all requests on the connection are answered. It doesn't call it if the last answer ends the connection.
 *
 * @param proceed gets the response to the last request if the rest of that request will never arrive
 */
export function afterAnswers(socket: Socket, proceed: (unanswered?: ServerResponse) => void): void {
  const { [CONNECTION]: connection }: OrderedSocket = socket;
  if (connection === undefined) proceed();
  else connection.afterAnswers(proceed);
}

/**
 * Gives the headers of a connection's next request their full time again, because the server had stopped reading. The time
 * starts when the server reads on.
 *
 * @param onLate called if the headers are late again
 */
export function excuseHeaders(socket: Socket, onLate: () => void): void {
  const { [CONNECTION]: connection }: OrderedSocket = socket;
  if (connection !== undefined) connection.onLateHeaders = onLate;
}

interface Arrival {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  start: Start;
  /** About how much memory the request takes while it waits. */
  bytes: number;
}

/** The waiting requests on all connections. */
interface WaitingRequests {
  bytes: number;
  readonly maxBytes: number;
  /** The connections on which requests wait. */
  readonly connections: Set<Connection>;
}

/** A connection and the requests on it that are not answered. */
export class Connection {
  #current: ServerResponse | undefined;
  readonly #waiting: Arrival[] = [];
  #waitingBytes = 0;
  #afterwards: (() => void) | undefined;
  #isPausable = false;
  /** Set while the headers of the next request are timed by the server, because Node has given up timing them. */
  onLateHeaders: (() => void) | undefined;

  readonly #waitingInAll: WaitingRequests;

  constructor(
    readonly socket: Socket,
    waitingInAll: WaitingRequests,
  ) {
    this.#waitingInAll = waitingInAll;
  }

  /** The response to the request that is being handled. */
  get current(): ServerResponse | undefined {
    return this.#current;
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  add(arrival: Arrival): void {
    this.onLateHeaders = undefined;
    if (isEnding(this.socket)) abandon(arrival.response);
    else if (this.#current === undefined) this.#start(arrival);
    else this.#wait(arrival);
  }

  afterAnswers(proceed: (unanswered?: ServerResponse) => void): void {
    this.onLateHeaders = undefined;
    const last = this.#waiting.at(-1);
    if (last?.request.complete === false) {
      // The rest of the last request will never arrive, so in its turn it is not handled: `proceed` answers it.
      last.start = (_, response) => proceed(response);
    } else if (last !== undefined || this.#current?.req.complete) {
      // All requests have arrived and will be answered.
      this.#afterwards = () => proceed();
    } else if (this.#current?.headersSent) {
      // The rest of the request will never arrive, and its answer has begun, so `proceed` could send no other.
      this.socket.destroy();
    } else {
      // No request is unanswered, or the rest of the one that is will never arrive.
      proceed(this.#current);
    }
  }

  #start({ request, response, start }: Arrival): void {
    this.#current = response;
    start(request, response);
    // Added last: admission must have released this request before the next one starts.
    response.on('close', this.#proceed);
  }

  #wait(arrival: Arrival): void {
    const all = this.#waitingInAll;
    const wasFull = this.#isFull;
    arrival.bytes = bytesOf(arrival.request);
    this.#waiting.push(arrival);
    this.#addBytes(arrival.bytes);
    all.connections.add(this);
    // After the parser has finished the chunk, because it resumes the socket after each request.
    if (!wasFull && this.#isFull) process.nextTick(this.#pause);
    if (all.bytes > all.maxBytes && all.connections.size > 1) largest(all.connections)?.cut();
  }

  get #isFull(): boolean {
    return this.#waitingBytes >= MAX_WAITING_BYTES;
  }

  /** @param bytes of waiting requests; negative if they no longer wait */
  #addBytes(bytes: number): void {
    this.#waitingBytes += bytes;
    this.#waitingInAll.bytes += bytes;
    if (this.#waiting.length === 0) this.#waitingInAll.connections.delete(this);
  }

  /** Closes the connection and abandons its requests. */
  cut(): void {
    this.socket.destroy();
    this.#abandonAll();
  }

  readonly #proceed = (): void => {
    this.#current = undefined;
    if (isEnding(this.socket)) {
      this.#abandonAll();
      return;
    }
    const next = this.#waiting.shift();
    if (next === undefined) {
      this.#afterwards?.();
      return;
    }
    const wasFull = this.#isFull;
    this.#addBytes(-next.bytes);
    if (wasFull && !this.#isFull && !this.#afterwards) this.socket.resume();
    this.#start(next);
  };

  /** Requests behind an answer that closes the connection never start, because they can't be answered. */
  #abandonAll(): void {
    const abandoned = this.#waiting.splice(0);
    this.#addBytes(-this.#waitingBytes);
    for (const { response } of abandoned) abandon(response);
    if (this.#afterwards) this.socket.destroy();
  }

  /** Also called when Node resumes the socket for reasons of its own. */
  readonly #pause = (): void => {
    if (!this.#isFull || this.#afterwards) return;
    if (!this.#isPausable) this.socket.on('resume', this.#pause);
    this.#isPausable = true;
    this.socket.pause();
  };
}

function largest(connections: Iterable<Connection>): Connection | undefined {
  let found: Connection | undefined;
  for (const connection of connections) {
    if (found === undefined || connection.waitingBytes > found.waitingBytes) found = connection;
  }
  return found;
}

function bytesOf(request: IncomingMessage): number {
  let bytes = REQUEST_BYTES + Math.min(bodyLength(request) ?? MAX_BODY_BYTES, MAX_BODY_BYTES);
  for (const text of request.rawHeaders) bytes += text.length;
  return bytes + (request.url?.length ?? 0);
}

function isEnding(socket: Socket): boolean {
  return socket.destroyed || socket.writableEnded;
}

/**
 * When a connection ends, Node closes the response that has the socket, and forgets the responses that wait for the socket.
 * Node emits `close` for the latter from version 24 on.
 */
function abandon(response: ServerResponse): void {
  if (response.socket !== null) return;
  response.destroy();
  process.nextTick(() => {
    if (!response.closed) response.emit('close');
  });
}

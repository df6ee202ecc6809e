import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Starts to handle a request. */
export type Start = (request: IncomingMessage, response: ServerResponse) => void;

/** The server stops reading from a connection on which this many requests wait. */
const MAX_WAITING = 64;

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
   * @param maxWaiting limit of waiting requests on all connections together. Beyond it, the connection on which most requests
   * wait is cut, if 64 or more wait on it: Node hands over all requests in a chunk of 64 KiB at once, which may be thousands.
   * @param onConnection is called once per connection, with its first request
   */
  constructor(maxWaiting: number, onConnection: (connection: Connection) => void = () => undefined) {
    this.#onConnection = onConnection;

    this.#waiting = { count: 0, max: maxWaiting, crowded: new Set() };
  }

  /** Starts the request when the earlier requests on its connection are answered. */
  add(request: IncomingMessage, response: ServerResponse, start: Start): void {
    const socket: OrderedSocket = request.socket;
    const connection = (socket[CONNECTION] ??= this.#open(socket));
    connection.add({ request, response, start });
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
}

/** The waiting requests on all connections. */
interface WaitingRequests {
  count: number;
  readonly max: number;
  /** The connections on which at least `MAX_WAITING` requests wait. */
  readonly crowded: Set<Connection>;
}

/** A connection and the requests on it that are not answered. */
export class Connection {
  #current: ServerResponse | undefined;
  readonly #waiting: Arrival[] = [];
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

  get waitingCount(): number {
    return this.#waiting.length;
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
      last.start = (_, response) => proceed(response);
    } else if (last !== undefined || this.#current?.req.complete) {
      this.#afterwards = () => proceed();
    } else if (this.#current?.headersSent) {
      this.socket.destroy();
    } else {
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
    const { crowded } = this.#waitingInAll;
    this.#waiting.push(arrival);
    this.#waitingInAll.count++;
    if (this.#waiting.length === MAX_WAITING) {
      crowded.add(this);
      // After the parser has finished the chunk, because it resumes the socket after each request.
      process.nextTick(this.#pause);
    }
    if (this.#waitingInAll.count > this.#waitingInAll.max) longest(crowded)?.cut();
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
    this.#waitingInAll.count--;
    if (this.#waiting.length === MAX_WAITING - 1) {
      this.#waitingInAll.crowded.delete(this);
      if (!this.#afterwards) this.socket.resume();
    }
    this.#start(next);
  };

  /** Requests behind an answer that closes the connection never start, because they can't be answered. */
  #abandonAll(): void {
    this.#waitingInAll.count -= this.#waiting.length;
    this.#waitingInAll.crowded.delete(this);
    for (const { response } of this.#waiting.splice(0)) abandon(response);
    if (this.#afterwards) this.socket.destroy();
  }

  /** Also called when Node resumes the socket for reasons of its own. */
  readonly #pause = (): void => {
    if (this.#waiting.length < MAX_WAITING || this.#afterwards) return;
    if (!this.#isPausable) this.socket.on('resume', this.#pause);
    this.#isPausable = true;
    this.socket.pause();
  };
}

function longest(connections: Iterable<Connection>): Connection | undefined {
  let found: Connection | undefined;
  for (const connection of connections) {
    if (found === undefined || connection.waitingCount > found.waitingCount) found = connection;
  }
  return found;
}

function isEnding(socket: Socket): boolean {
  return socket.destroyed || socket.writableEnded;
}

/** When a connection ends, Node closes the response that has the socket, and forgets the responses that wait for the socket. */
function abandon(response: ServerResponse): void {
  if (response.socket !== null) return;
  response.destroy();
  response.emit('close');
}

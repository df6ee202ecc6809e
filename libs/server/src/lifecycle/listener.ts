import type { Socket } from 'node:net';
import type { ListenOptions } from './listen.js';

/** How many connections a listener keeps open, as many as Redis by default. It refuses further ones. */
export const MAX_CONNECTIONS = 10_000;

/**
 * Accepts connections for one protocol and serves the requests that come over them. A server has one or several; it starts,
 * drains and closes all of them together.
 *
 * A listener asks its `Admission` before it does any work for a request.
 */
export interface Listener {
  /** The name of the protocol, such as `http`. No two listeners of a server have the same. */
  readonly protocol: string;
  /**
   * Opens the port. Called at most once. In a worker process it is not called: there, connections come by {@link accept}.
   *
   * @returns the port, once the listener accepts connections
   * @throws StartError if the port can't be opened
   */
  start(address: ListenOptions): Promise<number>;
  /** Serves a connection that another process accepted. Nothing has been read from it. */
  accept(socket: Socket): void;
  /**
   * Closes the port and announces the shutdown to clients if the protocol can. Requests in flight go on, and open connections
   * are still served, so that requests which come over them are answered with a refusal: the budget drains at the same time and
   * admits none. Called at most once.
   *
   * @returns resolves when the connections that need an orderly end have ended; waits without a limit, because the server calls
   * {@link close} after its time-out
   */
  drain(): Promise<void>;
  /** Closes all connections at once. May be called several times, also while `drain` waits, which then resolves. */
  close(): void;
}

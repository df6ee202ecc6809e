import { IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { KvsError } from '@kvs/protocol';
import { sendProblem } from '@kvs/protocol/nest';
import { closeInStages } from './closing.js';
import { rawProblem } from './raw-problem.js';
import { afterAnswers } from './request-order.js';

/** Serves connections that leave HTTP for another protocol, at one path. */
export interface UpgradeHandler {
  /** Such as `/link`. */
  readonly path: string;
  /** The protocol's token in the `Upgrade` header, with its version, such as `kvs-link/1`. */
  readonly protocol: string;
  /** Answers the request, with 101 or an error, and owns the connection from then on. `head` has the bytes behind the request. */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Accepts nothing new. Resolves when what is in flight is done and the connections are closed. */
  drain(): Promise<void>;
  /** Closes all connections at once. */
  close(): void;
}

/**
 * Returns a class of requests that leave HTTP only at one path. Node emits `upgrade` for every request that asks for any other
 * protocol if a server listens for it. With this class, the server serves such a request at other paths without the upgrade, as
 * RFC 9110, section 7.8 allows.
 *
 * @param path returns undefined while no path has an upgrade
 */
export function upgradableAt(path: () => string | undefined): typeof IncomingMessage {
  return class extends IncomingMessage {
    #asks = false;

    /** Node reads it when the headers have arrived: if it is true, the connection leaves HTTP. */
    get upgrade(): boolean {
      return this.#asks && (this.method === 'CONNECT' || pathOf(this) === path());
    }

    set upgrade(asks: boolean) {
      // The base class sets it before this class has its fields.
      if (#asks in this) this.#asks = asks;
    }
  };
}

/**
 * Hands connections that ask for the handler's protocol to it. A request at its path that asks for another protocol is
 * refused with 426.
 *
 * @param server whose requests are {@link upgradableAt} the handler's path
 * @param check returns the reason to refuse a request whatever its path, or undefined
 */
export function handleUpgrades(
  server: Server,
  handler: UpgradeHandler,
  check: (request: IncomingMessage) => KvsError | undefined,
): void {
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    survive(socket);
    // Earlier requests on the connection may still be unanswered.
    afterAnswers(request.socket, () => {
      const refused = check(request);
      if (refused) closeInStages(request.socket, rawProblem(refused));
      else if (isAskedFor(request, handler.protocol)) handler.accept(request, socket, head);
      else closeInStages(request.socket, rawRefusal(handler));
    });
  });
}

/** Answers CONNECT, which asks for a tunnel to another server. Without a listener, Node closes the connection in silence. */
export function refuseTunnels(server: Server): void {
  server.on('connect', (request: IncomingMessage, socket: Duplex) => {
    survive(socket);
    afterAnswers(request.socket, () => closeInStages(request.socket, rawProblem(NO_TUNNELS)));
  });
}

/**
 * Closes the connection after the response to a request whose upgrade the server ignores, because Node drops the bytes that
 * came behind such a request. The client learns from `Connection: close` that the server handles no later request.
 */
export function closeAfterIgnoredUpgrade(
  { headers, socket }: IncomingMessage,
  response: ServerResponse,
): void {
  if (headers.upgrade === undefined) return;
  response.shouldKeepAlive = false;
  socket.destroySoon = () => closeInStages(socket);
}

/** Returns Express middleware that answers 426 at the handler's path if a request asks for no upgrade. */
export function upgradeRequired(handler: UpgradeHandler) {
  return (request: IncomingMessage, response: ServerResponse, next: () => void): void => {
    if (pathOf(request) !== handler.path) {
      next();
      return;
    }
    response.setHeader('upgrade', handler.protocol);
    response.setHeader('connection', 'upgrade');
    sendProblem(response, refusal(handler));
  };
}

/** Node removes its own listener from a socket that leaves HTTP, and an error without a listener ends the process. */
function survive(socket: Duplex): void {
  socket.on('error', () => socket.destroy());
}

const NO_TUNNELS = new KvsError('not_implemented', 'the server does not open tunnels to other servers');

function isAskedFor({ headers }: IncomingMessage, protocol: string): boolean {
  return tokens(headers.upgrade ?? '').includes(protocol);
}

function tokens(header: string): string[] {
  return header.split(',').map((token) => token.trim().toLowerCase());
}

function pathOf({ url = '/' }: IncomingMessage): string {
  return url.split('?', 1)[0] ?? '/';
}

function refusal({ path, protocol }: UpgradeHandler): KvsError {
  return new KvsError('upgrade_required', `${path} is for connections that are upgraded to ${protocol}`);
}

function rawRefusal(handler: UpgradeHandler): string {
  return rawProblem(refusal(handler), [`upgrade: ${handler.protocol}`, 'connection: upgrade, close']);
}

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { KvsError } from '@kvs/protocol';
import { sendProblem } from '@kvs/protocol/nest';
import { rawProblem } from './raw-problem.js';
import { afterAnswers } from './request-order.js';

/** What takes over connections that leave HTTP for another protocol, at one path. */
export interface UpgradeHandler {
  /** Such as `/link`. */
  readonly path: string;
  /** The protocol's token in the `Upgrade` header, with its version, such as `kvs-link/1`. */
  readonly protocol: string;
  /** Answers the request, 101 included, and has the connection from then on. `head` is what came after the request. */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Takes on nothing more; resolves when what is under way is done and the connections are closed. */
  drain(): Promise<void>;
  /** Cuts all of its connections. */
  close(): void;
}

/**
 * Hands connections that ask for the handler's protocol to it. A request that asks for another protocol is served as
 * if it had not asked, as RFC 9110 lets a server do; at the handler's own path it is refused with 426.
 */
export function handleUpgrades(server: Server, handler: UpgradeHandler): void {
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // Node has taken its own listener off by now, and an error that nobody listens to ends the process.
    socket.on('error', () => socket.destroy());
    // Requests before it on the connection may still be unanswered.
    afterAnswers(request.socket, () => {
      if (pathOf(request) !== handler.path) serveWithoutUpgrade(server, request, socket, head);
      else if (isAskedFor(request, handler.protocol)) handler.accept(request, socket, head);
      else socket.end(rawRefusal(handler), () => socket.destroy());
    });
  });
}

/** Express middleware: at the handler's path, there is nothing for a request that does not ask for an upgrade. */
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

/**
 * Once a server handles upgrades, Node takes every connection that asks for one out of HTTP. It is put back by giving
 * the server the connection anew, with the same request in front of what follows, less what asks for the upgrade.
 */
function serveWithoutUpgrade(server: Server, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  if (head.length > 0) socket.unshift(head);
  socket.unshift(Buffer.from(requestHead(request), 'latin1'));
  server.emit('connection', socket);
}

function requestHead({ method, url, httpVersion, rawHeaders }: IncomingMessage): string {
  let text = `${method} ${url} HTTP/${httpVersion}\r\n`;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    let value = rawHeaders[i + 1] ?? '';
    if (name.toLowerCase() === 'upgrade') continue;
    if (name.toLowerCase() === 'connection')
      value = tokens(value)
        .filter((token) => token !== 'upgrade')
        .join(', ');
    if (value !== '' || name.toLowerCase() !== 'connection') text += `${name}: ${value}\r\n`;
  }
  return `${text}\r\n`;
}

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

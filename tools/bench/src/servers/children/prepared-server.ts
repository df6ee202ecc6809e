import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { fetchText } from '../contenders/dialect.js';
import { randomPairs } from '../pairs.js';
import { announce } from './bare-store.js';

/** What `GET /fetch` is compared with: the bytes of so many pairs, made before, in pieces, as fast as they are taken. */

const PIECE_BYTES = 64 * 1024;
const bytes = Buffer.from(fetchText(randomPairs(Number(process.argv[2]))), 'latin1');

const server = createServer((_request, response) => void send(response));
server.listen(0, 'localhost', () => announce(server));

async function send(response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/json' });
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    if (!response.write(bytes.subarray(at, at + PIECE_BYTES))) await once(response, 'drain');
  }
  response.end();
}

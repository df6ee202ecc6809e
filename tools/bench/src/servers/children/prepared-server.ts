import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { fetchText, randomPairs } from '../requests.js';
import { announce } from './announce.js';

/** The yardstick of `GET /fetch`: sends the bytes of random pairs, prepared before, in chunks of 64 KiB. */

const CHUNK_BYTES = 64 * 1024;
const bytes = Buffer.from(fetchText(randomPairs(Number(process.argv[2]))), 'latin1');

const server = createServer((_request, response) => void send(response));
server.listen(0, 'localhost', () => announce(server));

async function send(response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/json' });
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    if (!response.write(bytes.subarray(at, at + CHUNK_BYTES))) await once(response, 'drain');
  }
  response.end();
}

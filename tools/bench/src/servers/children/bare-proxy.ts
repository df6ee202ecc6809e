import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import { announce } from './bare-store.js';

/**
 * The least that a proxy in Node.js does for `GET /fetch`: asks the servers whose origins it is given, all at once, and
 * passes on what they answer, one after the other, unread.
 */

const origins = process.argv.slice(2);

const server = createServer((_request, response) => void passOn(response));
server.listen(0, 'localhost', () => announce(server));

async function passOn(response: ServerResponse): Promise<void> {
  const answers = await Promise.all(origins.map(answerOf));
  response.writeHead(200, { 'content-type': 'application/json' });
  for (const answer of answers) {
    for await (const chunk of answer) if (!response.write(chunk)) await once(response, 'drain');
  }
  response.end();
}

function answerOf(origin: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => get(`${origin}/fetch`, resolve).on('error', reject));
}

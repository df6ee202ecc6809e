import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { jest } from '@jest/globals';
import { NodeClient } from './node-client.js';

afterEach(() => void jest.restoreAllMocks());

/** Serves an address, and invites a node there. */
async function inviteAt(serve: RequestListener): Promise<void> {
  const server = createServer(serve).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    await new NodeClient().invite({ proxy: 'http://localhost:1', address });
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

it('a node is asked itself, although the environment names a proxy for the web', async () => {
  jest.replaceProperty(process, 'env', { ...process.env, http_proxy: 'http://127.0.0.1:1', no_proxy: '' });
  const asked: (string | undefined)[] = [];
  await inviteAt((request, response) => {
    asked.push(request.url);
    response.end();
  });
  expect(asked).toEqual(['/cluster/invitation']);
});

it('an address that redirects is no node', async () => {
  let requests = 0;
  const invited = inviteAt((_, response) => {
    requests++;
    response.writeHead(307, { location: '/' }).end();
  });
  await expect(invited).rejects.toThrow('307');
  expect(requests).toBe(1);
});

it('an answer that is too long for a node is refused', async () => {
  const invited = inviteAt((_, response) => response.end('x'.repeat(1_000_000)));
  await expect(invited).rejects.toThrow('maxContentLength');
});

it('a node that does not answer in time is said to be late', async () => {
  jest.spyOn(AbortSignal, 'timeout').mockReturnValueOnce(AbortSignal.abort());
  const invitation = { proxy: 'http://localhost:1', address: 'localhost:1' };
  await expect(new NodeClient().invite(invitation)).rejects.toThrow('no answer within 1500 ms');
});

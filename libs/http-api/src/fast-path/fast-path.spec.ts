import { MapOperations } from '@kvs/protocol/testing';
import { TestServer } from '../testing/test-server.js';

const key = { encoding: 'string', data: 'k' };

/** Which requests Express got to see. */
async function seenByExpress(fastLane: boolean): Promise<string[]> {
  const server = await TestServer.start(new MapOperations(), { settings: { fastLane } });
  const seen: string[] = [];
  server.onExpress((path) => seen.push(path));
  await server.sendJson('PUT', '/set', [{ key, value: key }]);
  await server.sendJson('POST', '/fetch?meta=true', [key]);
  await server.sendJson('POST', '/query', [key]);
  await server.sendJson('POST', '/delete', [key]);
  await server.sendJson('POST', '/Query', [key]);
  await server.send('POST', '/query');
  await server.send('GET', '/fetch');
  await server.stop();
  return seen;
}

it('the fast path answers the batch routes before Express, and leaves all else to it', async () => {
  expect(await seenByExpress(true)).toEqual(['/Query', '/fetch']);
});

it('Express answers all requests if there is no fast path', async () => {
  expect(await seenByExpress(false)).toEqual([
    '/set',
    '/fetch?meta=true',
    '/query',
    '/delete',
    '/Query',
    '/query',
    '/fetch',
  ]);
});

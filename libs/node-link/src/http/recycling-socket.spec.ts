import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { ShreddingBuffers } from '../../test/shredding-buffers.js';
import { RecyclingSocket } from './recycling-socket.js';

const KIB = 1024;

let server: Server;
let buffers: ShreddingBuffers;
beforeEach(async () => {
  server = createServer({ allowHalfOpen: true });
  buffers = new ShreddingBuffers();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(() => server.close());

async function connected(): Promise<{ near: RecyclingSocket; far: Socket }> {
  const { port } = server.address() as AddressInfo;
  const accepted = once(server, 'connection');
  const near = new RecyclingSocket(buffers, (onread) => connect({ port, host: '127.0.0.1', onread }));
  await once(near.socket, 'connect');
  const [far] = (await accepted) as [Socket];
  far.on('error', () => undefined); // when the near end goes away with something unread
  near.begin();
  return { near, far };
}

/** Pieces until there is one of such a length. */
async function pieceOf(near: RecyclingSocket, length: number): Promise<Buffer> {
  for (;;) {
    const piece: unknown = near.read();
    if (Buffer.isBuffer(piece) && piece.length >= length) return piece;
    if (piece === null) await once(near, 'readable');
  }
}

it('keeps what was put back, though more comes', async () => {
  const { near, far } = await connected();
  far.end(Buffer.alloc(4096 * KIB, 'x'));
  const piece = await pieceOf(near, 64 * KIB);
  near.unshift(piece.subarray(10));
  near.read(0);
  await setTimeout(20);
  expect(near.readableLength).toBeGreaterThan(1);
  expect(String(near.read())).toBe('x'.repeat(piece.length - 10));
  near.destroy();
  await once(near, 'close');
  expect(buffers.inUse).toBe(0);
});

it('gives what came before the end, however late it is read, and then ends', async () => {
  const { near, far } = await connected();
  far.end('the end');
  near.unshift(await pieceOf(near, 1));
  await once(near.socket, 'close');
  const closed = once(near, 'close');
  expect([String(near.read()), near.read()]).toEqual(['the end', null]);
  await closed;
  expect(buffers.inUse).toBe(0);
});

it('sends what is written, and ends both ways', async () => {
  const { near, far } = await connected();
  near.resume();
  far.on('data', (data: Buffer) => far.end(data));
  const closed = once(near, 'close');
  near.end('é', 'latin1');
  const [data] = (await once(near, 'data')) as [Buffer];
  expect([...data]).toEqual([0xe9]);
  await closed;
});

it('fails as its socket fails', async () => {
  const { near, far } = await connected();
  near.resume();
  const closed = new Promise((resolve) => near.once('close', resolve));
  far.resetAndDestroy();
  expect(await once(near, 'error')).toMatchObject([{ code: 'ECONNRESET' }]);
  await closed;
  expect(buffers.inUse).toBe(0);
});

it('closes its socket when it is destroyed, and is closed after it', async () => {
  const { near, far } = await connected();
  const closed: string[] = [];
  near.socket.on('close', () => closed.push('socket'));
  near.on('close', () => closed.push('stream'));
  near.destroy();
  await Promise.all([once(near, 'close'), once(far.resume(), 'close'), far.end()]);
  expect(closed).toEqual(['socket', 'stream']);
});

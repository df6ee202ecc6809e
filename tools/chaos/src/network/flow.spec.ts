import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { Flow } from './flow.js';

it('ends a sink that does not take its bytes once, however often faults begin and end meanwhile', async () => {
  const accepted: Socket[] = [];
  const server = createServer({ pauseOnConnect: true }, (socket) => accepted.push(socket)).listen(
    0,
    '127.0.0.1',
  );
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const [source, sink] = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')];
  try {
    await Promise.all([once(source, 'connect'), once(sink, 'connect')]);
    const flow = new Flow(source, sink, () => false);
    while (sink.writableLength === 0) {
      flow.take(Buffer.alloc(1024 * 1024));
      await once(sink, 'drain', { signal: AbortSignal.timeout(100) }).catch(() => undefined);
    }
    source.destroy();
    await once(source, 'close');
    const listeners = sink.listenerCount('finish');
    for (let i = 0; i < 20; i++) flow.update();
    expect([sink.writableEnded, sink.listenerCount('finish')]).toEqual([true, listeners]);
  } finally {
    for (const socket of [source, sink, ...accepted]) socket.destroy();
    server.close();
  }
});

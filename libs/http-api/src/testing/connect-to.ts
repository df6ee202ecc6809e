import { createServer, type RequestListener } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';

/** Starts a server, and returns a client of it. */
export async function connectTo(listener: RequestListener): Promise<{ client: Socket; stop: () => void }> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => undefined); // some are cut
  const stop = (): void => {
    client.destroy();
    server.closeAllConnections();
    server.close();
  };
  return { client, stop };
}

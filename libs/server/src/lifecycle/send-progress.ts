import type { Socket } from 'node:net';
import { isRecord } from '@kvs/protocol';

/** Returns a number that changes when the kernel accepts bytes. Node's public counters change only after a whole write. */
export function sendProgress(socket: Socket): number {
  const handle: unknown = Reflect.get(socket, '_handle');
  const waiting = isRecord(handle) ? handle['writeQueueSize'] : undefined;
  return socket.bytesWritten - (typeof waiting === 'number' ? waiting : 0);
}

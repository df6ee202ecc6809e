import { once } from 'node:events';
import type { LoadOrder } from '../load/load-process.js';
import { SocketLoad } from '../load/socket-load.js';
import { AnswerWindow } from '../load/window.js';

/** Puts a server under load until it is killed; the process that has started it asks for what was answered. */

process.once('disconnect', () => process.exit());

const [order]: LoadOrder[] = await once(process, 'message');
if (order === undefined) throw new TypeError('there is no load to make');
const window = new AnswerWindow();
await SocketLoad.start({ ...order, onAnswer: window.take });
window.cut();
tell();
process.on('message', tell);

function tell(): void {
  process.send?.(window.cut());
}

import { setTimeout } from 'node:timers/promises';
import { toHttp, type LoadGenerator } from '../load/load.js';
import { SocketLoad } from '../load/socket-load.js';
import { AnswerWindow } from '../load/window.js';
import type { ServersScale } from '../scale.js';

/** So little that it is good for nothing but to see that all of it works. */
export const tiny: ServersScale = {
  keyCount: 200,
  rounds: 2,
  peerRounds: 1,
  turnSeconds: 0.05,
  warmUpSeconds: 0.05,
  profileSeconds: 0.1,
  connectionCounts: [2],
  batchSizes: [100],
  validatedPairs: 20,
  validationTurnMs: 1,
  fetchedPairs: 1000,
  manyPairs: 3000,
  fetchRounds: 2,
  watchSeconds: 0.2,
  watchRounds: 1,
  soakedPairs: 1000,
  soakSeconds: 3,
};

/** wrk knows whole seconds only. */
export const brief: LoadGenerator = {
  name: 'our sockets',
  run: async ({ seconds, requests, ...load }) => {
    const window = new AnswerWindow();
    const texts = requests.map((request) => toHttp(request, 'localhost'));
    const running = await SocketLoad.start({ ...load, texts, onAnswer: window.take });
    do await setTimeout(seconds * 1000);
    while (window.answered === 0);
    running.stop();
    const { answered, failures } = window;
    return { ...window.cut(), requests: answered, failures, seconds };
  },
};

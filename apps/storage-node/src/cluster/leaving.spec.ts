import { handOverEverything } from './leaving.js';

it('a node that leaves gives its pairs to others also if their primary dies while it waits until its copies are removed', async () => {
  /** The counts of the role, one after the other: copies to remove, and pairs that no other node has any more. */
  const counts = [
    { copies: 1, only: 0 },
    { copies: 0, only: 1 },
    { copies: 0, only: 1 },
    { copies: 0, only: 0 },
  ];
  const present = () => counts[0] ?? { copies: 0, only: 0 };
  const log: string[] = [];
  await handOverEverything({
    role: {
      handOverAll: () => 0,
      countOnlyCopies: () => ({ count: present().only, awaited: present().only }),
      countCopiesToRemove: () => {
        const { copies } = present();
        counts.shift();
        return copies;
      },
    },
    leaveTimeoutMs: 1000,
    proxiesGoneMs: () => 0,
    nowMs: () => 0,
    log: { warn: (message) => log.push(message) },
  });
  expect({ counts, log }).toEqual({ counts: [], log: [] });
});

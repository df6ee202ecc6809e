import { handOverEverything } from './leaving.js';

/** The counts of a role when it is asked once. */
interface Round {
  /** Partitions that others could take. */
  readonly left?: number;
  /** Partitions whose pairs this node alone has, and another node gets. */
  readonly only?: number;
  /** Copies to remove. */
  readonly copies?: number;
}

const HANDING_OVER: Round = { left: 1 };
const COPYING: Round = { only: 1 };
const REMOVING: Round = { copies: 1 };

/** Lets a node leave. Its role has these counts in turn, and then always the last. Returns how often it was asked, and its warnings. */
async function leave(rounds: readonly Round[], { roundMs = 2500, proxiesGoneMs = 0 } = {}) {
  let count = 0;
  let nowMs = 0;
  const log: string[] = [];
  const present = (): Round => rounds[Math.min(count, rounds.length) - 1] ?? {};
  await handOverEverything({
    role: {
      handOverAll: () => {
        if (++count === 50) throw new Error('the node waits forever');
        nowMs += roundMs;
        return present().left ?? 0;
      },
      countOnlyCopies: () => ({ count: present().only ?? 0, awaited: present().only ?? 0 }),
      countCopiesToRemove: () => present().copies ?? 0,
    },
    leaveTimeoutMs: 60_000,
    proxiesGoneMs: () => proxiesGoneMs,
    nowMs: () => nowMs,
    log: { warn: (message) => log.push(message) },
  });
  return { count, log };
}

describe('a node that leaves', () => {
  it.each<[string, Round[]]>([
    ['its hand-overs', [HANDING_OVER, HANDING_OVER, HANDING_OVER]],
    ['copies, and then for its hand-overs', [...new Array(6).fill(COPYING), HANDING_OVER, HANDING_OVER]],
    ['hand-overs, and then until its copies are removed', [HANDING_OVER, HANDING_OVER, REMOVING]],
    ['copies, and then until its own are removed', [COPYING, COPYING, COPYING, REMOVING]],
    ['copies also if the primary of its own dies meanwhile', [REMOVING, COPYING, COPYING]],
  ])('waits for %s', async (_, rounds) => {
    expect(await leave([...rounds, {}])).toEqual({ count: rounds.length + 1, log: [] });
  });

  it.each<[string, Round, { count: number; log: string[] }]>([
    ['10 s for hand-overs', HANDING_OVER, { count: 4, log: ['1 partitions were not handed over in time'] }],
    ['3 s until its copies are removed', REMOVING, { count: 2, log: [] }],
    [
      'as long as it was told to for copies',
      COPYING,
      {
        count: 24,
        log: ['1 partitions end with this process, because no other node has a copy of them'],
      },
    ],
  ])('waits only %s', async (_, round, end) => {
    expect(await leave([round])).toEqual(end);
  });

  it('does not wait any more when no proxy has run for 2 s', async () => {
    const options = { roundMs: 0, proxiesGoneMs: 2001 };
    const log = ['1 partitions were not handed over, because no proxy runs'];
    expect(await leave([HANDING_OVER, {}], options)).toEqual({ count: 1, log });
    expect(await leave([HANDING_OVER, {}], { ...options, proxiesGoneMs: 2000 })).toEqual({
      count: 2,
      log: [],
    });
  });
});

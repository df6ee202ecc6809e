import { KvsError, type ItemFailure, type MaybePromise, type UpdateOutcome } from '@kvs/protocol';

/**
 * Does some updates at a time, because each holds a value in memory. Those of one key are done in order. Items that have not begun
 * after a minute fail: each may have to wait for a node that hangs.
 */
export async function updateAll<T, O extends { readonly ok: true }>(
  items: readonly T[],
  update: (item: T) => MaybePromise<UpdateOutcome<O | ItemFailure>>,
  nowMs = () => performance.now(),
): Promise<(O | ItemFailure)[]> {
  const outcomes: (O | ItemFailure)[] = [];
  const endMs = nowMs() + BEGIN_WITHIN_MS;
  for (let from = 0; from < items.length; from += MAX_CONCURRENT_UPDATES) {
    if (nowMs() > endMs) return [...outcomes, ...items.slice(from).map(() => NOT_BEGUN)];
    const some = items.slice(from, from + MAX_CONCURRENT_UPDATES);
    outcomes.push(...(await Promise.all(some.map((item) => outcomeOf(() => update(item))))));
  }
  return outcomes;
}

/** An error is the outcome of its item, because other items may be done. */
async function outcomeOf<O extends { readonly ok: true }>(
  update: () => MaybePromise<UpdateOutcome<O | ItemFailure>>,
): Promise<O | ItemFailure> {
  try {
    const outcome = await update();
    return outcome.ok ? outcome.result : outcome;
  } catch (error) {
    if (!(error instanceof KvsError)) throw error;
    return { ok: false, code: error.code, message: error.message };
  }
}

const MAX_CONCURRENT_UPDATES = 16;
const BEGIN_WITHIN_MS = 60_000;
const NOT_BEGUN: ItemFailure = {
  ok: false,
  code: 'overloaded',
  message: 'the item was not begun within 60 s; nothing was changed',
};

import { until } from '@kvs/protocol/testing';

/**
 * Waits until the condition holds, for as long as a cluster may take to heal. A question that fails counts as no.
 *
 * @param explain tells the state of affairs for the message of the error
 * @throws Error if the condition does not hold within 5 minutes
 */
export async function untilHealed(holds: () => Promise<boolean>, explain: () => string): Promise<void> {
  let failure = '';
  const holdsNow = async (): Promise<boolean> => {
    try {
      return await holds();
    } catch (error) {
      failure = `; ${String(error)}`;
      return false;
    }
  };
  await until(holdsNow, () => explain() + failure, { limitMs: 300_000, maxPauseMs: 250 });
}

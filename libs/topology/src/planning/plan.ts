import { balanceCopies, fillGaps, spreadZones, withdrawLearners } from './copies.js';
import { Draft, type Plan } from './draft.js';
import { assignFirst } from './first-assignment.js';
import type { PlanInput } from './plan-input.js';
import { balancePrimaries } from './primaries.js';
import { promoteCopies, startLost } from './recovery.js';
import { shareOut } from './shared-store.js';
import { removeSurplus } from './surplus.js';

/**
 * Returns what the controller should ask for now. It is a function of its input alone: a controller that has just taken over
 * goes on where the last one stopped. Repairs come first, and moves that only balance come last. Every step reads the loads
 * that the steps before it leave behind. O(nodes · moves + 4,096 · copies).
 */
export function plan(input: PlanInput): Plan {
  const steps = planInSteps(input);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** As {@link plan}, but yields before each step, so that a caller can do other work between them. */
export function* planInSteps(input: PlanInput): Generator<void, Plan, void> {
  const draft = new Draft(input);
  const steps = input.topology.sharedStore === undefined ? STEPS : [shareOut];
  for (const step of steps) {
    yield;
    step(draft);
  }
  yield;
  return draft.finish();
}

const STEPS: readonly ((draft: Draft) => void)[] = [
  assignFirst,
  promoteCopies,
  startLost,
  withdrawLearners,
  removeSurplus,
  fillGaps,
  spreadZones,
  balanceCopies,
  balancePrimaries,
];

import type { PromotionAnswer, PromotionQuestion } from '../control-plane/messages.js';
import type { TopologyStore } from '../topology-store.js';

/** The surroundings of a proxy's control plane. */
export interface ControlPorts {
  readonly store: TopologyStore;
  readonly timers: ControlTimers;
  /** Asks a process whether it still agrees to become primary. Rejects if it does not answer in time, or if another one does. */
  readonly confirmPromotions: (address: string, question: PromotionQuestion) => Promise<PromotionAnswer>;
  readonly log: ControlLog;
}

/** The time, passed in so that tests can control it. */
export interface ControlTimers {
  /** Returns milliseconds since a fixed moment. Never goes back. */
  nowMs(): number;
  /** Returns milliseconds since 1970, by a clock that may be wrong. */
  wallMs(): number;
  /** Calls the task once after about `delayMs`, unless cancelled before. Returns what cancels it. */
  after(delayMs: number, task: () => void): () => void;
}

/** The part of a logger that the control plane uses. Each message says everything; the details are for programs. */
export interface ControlLog {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
}

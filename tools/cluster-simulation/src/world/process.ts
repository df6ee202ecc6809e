import type { Random } from './random.js';
import type { Scheduler } from './scheduler.js';

/** In which order a process that was paused deals with what came in the meantime. */
export type ResumeOrder = 'asItCame' | 'timersFirst' | 'messagesFirst';

type EventKind = 'timer' | 'message';

/**
 * A process with its clock. It can crash, start again, pause and resume. While it is paused, events wait. A crash drops them
 * and everything that was planned before.
 */
export class Process {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #afterEvent: () => void;
  #isUp = false;
  #incarnation = 0;
  #pauses = 0;
  #waiting: { kind: EventKind; run: () => void }[] = [];
  #rate: number;
  #isSuspended = false;
  /** Whether the wall clock was set back since the process last looked at it. */
  #wasSetBack = false;
  /** The local time at `#since`. */
  #localMs: number;
  #sinceMs = 0;
  #wallOffsetMs = 0;

  /** @param afterEvent called after each event of the process */
  constructor(
    readonly name: string,
    scheduler: Scheduler,
    random: Random,
    afterEvent: () => void = () => undefined,
  ) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#afterEvent = afterEvent;
    this.#rate = random.between(MIN_RATE, MAX_RATE);
    this.#localMs = random.between(0, 1e7);
    this.#wallOffsetMs = WALL_START_MS + random.between(-1e11, 1e11);
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  get isPaused(): boolean {
    return this.#pauses > 0;
  }

  /** The number of times that the process started. */
  get incarnation(): number {
    return this.#incarnation;
  }

  /** The monotonic clock in milliseconds. It may be fast or slow by up to 9%. */
  nowMs(): number {
    if (this.#isSuspended) return this.#localMs;
    return this.#localMs + (this.#scheduler.nowMs - this.#sinceMs) * this.#rate;
  }

  /** Returns the wall clock in milliseconds. It may be wrong by years, and jumps. By reading it, the process notices that it was set back. */
  wallMs(): number {
    this.#wasSetBack = false;
    return this.#wallMs;
  }

  get #wallMs(): number {
    const suspendedMs = this.#isSuspended ? this.#scheduler.nowMs - this.#sinceMs : 0;
    return this.nowMs() + suspendedMs + this.#wallOffsetMs;
  }

  /** Gives the monotonic clock another rate, between 0.91 and 1.09, without a jump. */
  drift(): void {
    this.#keepTime();
    this.#rate = this.#random.between(MIN_RATE, MAX_RATE);
  }

  /** Sets the wall clock to another time. Not while it is suspended: nobody could tell how long that was. */
  jump(): void {
    if (this.#isSuspended) return;
    const byMs = this.#random.between(-1e9, 1e9);
    this.#wallOffsetMs += byMs;
    this.#wasSetBack ||= byMs < 0;
  }

  start(): void {
    this.#incarnation++;
    this.#isUp = true;
    this.#waiting = [];
  }

  crash(): void {
    this.#isUp = false;
    this.#waiting = [];
  }

  /**
   * Lets the process stand still until {@link resume} was called as often. If it is suspended, so does its monotonic clock,
   * unless its wall clock was set back since the last reading: the process could not notice that suspension.
   */
  pause({ suspended = false } = {}): void {
    this.#pauses++;
    this.#keepTime();
    this.#isSuspended ||= suspended && !this.#wasSetBack;
  }

  /** Ends one pause. The events that waited run at once, in the given order, and before everything that comes later. */
  resume(order: ResumeOrder): void {
    if (--this.#pauses > 0) return;
    this.#keepTime();
    this.#isSuspended = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    const first = order === 'timersFirst' ? 'timer' : 'message';
    const sorted =
      order === 'asItCame'
        ? waiting
        : [...waiting.filter(({ kind }) => kind === first), ...waiting.filter(({ kind }) => kind !== first)];
    const incarnation = this.#incarnation;
    for (const { kind, run } of sorted) {
      this.#scheduler.after(0, () => {
        if (incarnation === this.#incarnation) this.#event(kind, run);
      });
    }
  }

  /** Runs an event that comes from outside, such as a message, now or when the process resumes. Drops it if the process is down. */
  receive(run: () => void): void {
    this.#event('message', run);
  }

  /** Runs an event after a time on the clock of this process, unless the process crashes before. */
  after(delayMs: number, run: () => void): void {
    this.#plan('timer', delayMs, run);
  }

  /** Runs the end of something slow, such as a call of an engine: as {@link after}, but it is no timer. */
  complete(delayMs: number, run: () => void): void {
    this.#plan('message', delayMs, run);
  }

  #keepTime(): void {
    const wallMs = this.#wallMs;
    this.#localMs = this.nowMs();
    this.#wallOffsetMs = wallMs - this.#localMs;
    this.#sinceMs = this.#scheduler.nowMs;
  }

  #plan(kind: EventKind, delayMs: number, run: () => void): void {
    const incarnation = this.#incarnation;
    this.#scheduler.after(delayMs / this.#rate, () => {
      if (incarnation === this.#incarnation) this.#event(kind, run);
    });
  }

  #event(kind: EventKind, run: () => void): void {
    if (!this.#isUp) return;
    if (this.#pauses > 0) {
      this.#waiting.push({ kind, run });
      return;
    }
    run();
    this.#afterEvent();
  }
}

const MIN_RATE = 0.91;
const MAX_RATE = 1.09;
const WALL_START_MS = 1.6e12;

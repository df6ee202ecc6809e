import type { Dialect } from './dialect.js';

/** A server, or several that work as one, whose speed is measured. */
export interface Contender {
  readonly name: string;
  /** Starts it empty, on free ports. Whoever starts it stops it. */
  start(): Promise<RunningContender>;
}

export interface RunningContender {
  readonly name: string;
  /** Where requests go: `http://host:port`. */
  readonly origin: string;
  readonly dialect: Dialect;
  /** All processes that work for it. */
  readonly processes: readonly ServingProcess[];
  /** Ends its processes, whatever state they are in. May be called again. */
  stop(): Promise<void>;
}

export const ROLES = ['proxy', 'node', 'server'] as const;

/** What a process does for its contender; one that is neither proxy nor storage node of kvs is a server. */
export type Role = (typeof ROLES)[number];

export interface ServingProcess {
  readonly role: Role;
  readonly pid: number;
}

/** Starts contenders, one after the other, and stops them all after the use. */
export async function withRunning<T>(
  contenders: readonly Contender[],
  use: (running: readonly RunningContender[]) => Promise<T>,
): Promise<T> {
  const running: RunningContender[] = [];
  try {
    for (const contender of contenders) running.push(await contender.start());
    return await use(running);
  } finally {
    await Promise.all(running.map((each) => each.stop()));
  }
}

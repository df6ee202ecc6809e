/** Returns nanoseconds since any fixed moment. */
export type Clock = () => number;

/**
 * The CPU time of this process with all its threads, for work that never waits. Other programs on the machine change it
 * little.
 */
export const cpuClock: Clock = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
};

/** For work that waits for a disk or a socket. */
export const wallClock: Clock = () => performance.now() * 1e6;

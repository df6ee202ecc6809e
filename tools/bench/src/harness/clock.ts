/** Nanoseconds since any fixed moment. */
export type Clock = () => number;

/**
 * The CPU time of this process, its compiler and collector threads included. For work that never waits: what other
 * programs do on the machine hardly shows in it.
 */
export const cpuClock: Clock = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
};

/** For work that waits for a disk or a socket. */
export const wallClock: Clock = () => performance.now() * 1e6;

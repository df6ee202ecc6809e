/** What the process has of the machine's memory, once what is not used any more has been collected. */
export function residentBytes(): number {
  globalThis.gc?.();
  return process.memoryUsage.rss();
}

/**
 * The latest time of a cluster, in milliseconds since 1970: a moment of the year 2223. Versions are at least the time in
 * microseconds, so a much later time would leave no versions that are safe integers.
 */
export const MAX_TIME_MS = 8e12;

/**
 * The highest version of a pair. It is far above {@link MAX_TIME_MS} in microseconds, because versions run ahead of the time:
 * their ceiling by a week, and by an hour more after each start of a partition that was lost.
 */
export const MAX_VERSION = 9e15;

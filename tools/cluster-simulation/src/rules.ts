import { RULES as NODE_RULES } from '@kvs/replication';

/**
 * The rules of docs/cluster-simulation.md that can be switched off, to see that the checkers notice: those of nodes, and R1 of
 * proxies.
 */
export const RULES = ['R1', ...NODE_RULES] as const;

export type Rule = (typeof RULES)[number];

import type { WeightedNode } from './peers.js';

/** Returns `count` nodes of weight 1. */
export function equalNodes(count: number): WeightedNode[] {
  return Array.from({ length: count }, (_, index) => ({ id: idOf(index), weight: 1 }));
}

/** Returns `count` nodes with weights 1, 2, 3, 4, 1, 2, …. */
export function weightedNodes(count: number): WeightedNode[] {
  return Array.from({ length: count }, (_, index) => ({ id: idOf(index), weight: 1 + (index % 4) }));
}

/** Returns a host and a port, flat in memory. */
export function idOf(index: number): string {
  return Buffer.from(`10.0.${index >> 8}.${index & 255}:11211`).toString('latin1');
}

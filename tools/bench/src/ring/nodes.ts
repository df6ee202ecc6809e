import type { WeightedNode } from './peers.js';

/** `count` nodes of weight 1. */
export function equalNodes(count: number): WeightedNode[] {
  return Array.from({ length: count }, (_, index) => ({ id: idOf(index), weight: 1 }));
}

/** Weights from 1 to 4, over and over. */
export function weightedNodes(count: number): WeightedNode[] {
  return Array.from({ length: count }, (_, index) => ({ id: idOf(index), weight: 1 + (index % 4) }));
}

/** A host and a port, as clients of caches name their nodes; flat in memory. */
export function idOf(index: number): string {
  return Buffer.from(`10.0.${index >> 8}.${index & 255}:11211`).toString('latin1');
}

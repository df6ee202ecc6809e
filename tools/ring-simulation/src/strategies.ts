import {
  HashRing,
  JumpRing,
  KetamaRing,
  MaglevRing,
  RendezvousRing,
  type NodeInput,
  type Placement,
} from '@kvs/hash-ring';

/** What the simulation has its nodes carry, to count without looking ids up. */
export interface Numbered {
  readonly index: number;
}

export interface Strategy {
  readonly name: string;
  /** Whether a lookup takes microseconds among a thousand nodes; then only a sample of the keys is counted. */
  readonly isSlow: boolean;
  build(nodes: readonly NodeInput<Numbered>[]): Placement<Numbered>;
}

export const strategies: readonly Strategy[] = [
  { name: 'HashRing', isSlow: false, build: (nodes) => new HashRing(nodes) },
  { name: 'KetamaRing', isSlow: true, build: (nodes) => new KetamaRing(nodes, { rounding: 'exact' }) },
  { name: 'RendezvousRing', isSlow: true, build: (nodes) => new RendezvousRing(nodes) },
  { name: 'JumpRing', isSlow: false, build: (nodes) => new JumpRing(nodes) },
  { name: 'MaglevRing', isSlow: false, build: (nodes) => new MaglevRing(nodes) },
];

import {
  HashRing,
  JumpRing,
  KetamaRing,
  MaglevRing,
  RendezvousRing,
  type NodeInput,
  type Placement,
} from '@kvs/hash-ring';

/** A property of the simulation's nodes for counting without a look-up by id. */
export interface Numbered {
  readonly index: number;
}

export interface Strategy {
  readonly name: string;
  /** Whether a lookup among a thousand nodes takes microseconds, so that only a sample of the keys is used. */
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

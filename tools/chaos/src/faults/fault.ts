/** How many copies of a partition each kind of fault takes away at worst: 1 if a copy is lost or excluded for a while. */
export const HARM = {
  /** SIGKILL of a node, which starts again after a while. */
  kill: 1,
  /** SIGTERM of a node, which starts again after a while. */
  restart: 1,
  /** SIGSTOP of a node, and SIGCONT after a while. */
  pause: 1,
  /** Connections between two nodes break, and are refused. */
  cut: 1,
  /** Bytes between two nodes wait. */
  stall: 1,
  /** Bytes from one node to another wait. */
  stallOneWay: 1,
  /** Connections between a node and all other nodes break. Proxies still reach it. */
  isolate: 1,
  /** The bytes of a node to other nodes wait. Their bytes arrive. */
  mute: 1,
  /** Bytes between a node and all proxies wait. */
  stallProxies: 0,
  /** SIGKILL of a proxy, which starts again after a while. */
  killProxy: 0,
  join: 0,
  /** A node is drained and stopped. */
  drain: 0,
} as const;

export type FaultKind = keyof typeof HARM;
export const FAULT_KINDS = Object.keys(HARM).filter((kind): kind is FaultKind => kind in HARM);

/** A fault with all that was drawn for it. */
export type Fault = FaultTimes &
  (
    | { readonly kind: 'join' }
    | { readonly kind: LinkFaultKind; readonly server: string; readonly other: string }
    /** The server is a node, or the proxy. */
    | { readonly kind: Exclude<FaultKind, 'join' | LinkFaultKind>; readonly server: string }
  );

/** Faults of the connections between two nodes. */
type LinkFaultKind = 'cut' | 'stall' | 'stallOneWay';

export interface FaultTimes {
  /** After the begin of its round. */
  readonly afterMs: number;
  readonly lastsMs: number;
}

/** Returns the servers that a fault concerns. */
export function serversOf(fault: Fault): string[] {
  if (fault.kind === 'join') return [];
  return 'other' in fault ? [fault.server, fault.other] : [fault.server];
}

/** Returns a fault as a text for people. */
export function faultText(fault: Fault): string {
  const duration = `for ${(fault.lastsMs / 1000).toFixed(1)} s`;
  switch (fault.kind) {
    case 'cut':
    case 'stall':
      return `${fault.kind} between ${fault.server} and ${fault.other} ${duration}`;
    case 'stallOneWay':
      return `${fault.kind} from ${fault.server} to ${fault.other} ${duration}`;
    case 'join':
      return fault.kind;
    case 'drain':
      return `${fault.kind} ${fault.server}`;
    default:
      return `${fault.kind} ${fault.server} ${duration}`;
  }
}

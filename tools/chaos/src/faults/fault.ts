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
export interface Fault {
  readonly kind: FaultKind;
  /** The node, or the proxy. */
  readonly server: string;
  /** The other node of a connection. */
  readonly other: string;
  /** After the begin of its round. */
  readonly afterMs: number;
  readonly lastsMs: number;
}

/** Returns a fault as a text for people. */
export function faultText({ kind, server, other, lastsMs }: Fault): string {
  const duration = `for ${(lastsMs / 1000).toFixed(1)} s`;
  switch (kind) {
    case 'cut':
    case 'stall':
      return `${kind} between ${server} and ${other} ${duration}`;
    case 'stallOneWay':
      return `${kind} from ${server} to ${other} ${duration}`;
    case 'join':
      return kind;
    case 'drain':
      return `${kind} ${server}`;
    default:
      return `${kind} ${server} ${duration}`;
  }
}

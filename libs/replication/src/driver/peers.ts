import { PeerLink, type PeerLinkOptions } from '@kvs/node-link';
import type { BootId, Topology } from '@kvs/topology';
import type { Message } from '../messages.js';
import { messageCodec } from './message-codec.js';

export interface PeersOptions extends Pick<PeerLinkOptions<Message>, 'onBreach'> {
  readonly clusterId: string;
  /** Of this process. */
  readonly bootId: BootId;
  /** A link is open, or takes messages again. */
  readonly up: (bootId: BootId) => void;
  readonly down: (bootId: BootId) => void;
}

/** The links to the other nodes of the topology. They are open before there is anything to send, so that nothing is lost or waits. */
export class Peers {
  readonly #options: PeersOptions;
  readonly #links = new Map<BootId, { readonly address: string; readonly link: PeerLink<Message> }>();

  constructor(options: PeersOptions) {
    this.#options = options;
  }

  /** How many links are open. */
  get openCount(): number {
    return [...this.#links.values()].filter(({ link }) => link.isUp).length;
  }

  /** Opens links to the processes of a topology, and closes those to processes that it has no more, or has elsewhere. */
  learn({ nodes }: Topology): void {
    const addresses = new Map(nodes.map(({ bootId, address }) => [bootId, address]));
    addresses.delete(this.#options.bootId);
    for (const [bootId, { address, link }] of this.#links) {
      if (addresses.get(bootId) === address) continue;
      this.#links.delete(bootId);
      const wasUp = link.isUp;
      link.close();
      if (wasUp) this.#options.down(bootId);
    }
    for (const [bootId, address] of addresses)
      if (!this.#links.has(bootId)) this.#links.set(bootId, { address, link: this.#open(bootId, address) });
  }

  isOpen(to: BootId): boolean {
    return this.#links.get(to)?.link.isUp === true;
  }

  /**
   * Sends a message. Drops it if the process is unknown or the link is not open. Messages with effects are also dropped while the
   * other end does not read, because the replica sends them again. All others are small, or few bytes of them are on the way at once.
   */
  send(to: BootId, message: Message): void {
    const hasEffects =
      message.kind === 'effects' ||
      (message.kind === 'confirmation' && (message.tail?.effects.length ?? 0) > 0);
    this.#links.get(to)?.link.send(message, hasEffects ? 'normal' : 'urgent');
  }

  close(): void {
    for (const { link } of this.#links.values()) link.close();
    this.#links.clear();
  }

  #open(bootId: BootId, address: string): PeerLink<Message> {
    const { clusterId, bootId: ownBootId, up, down, ...options } = this.#options;
    return new PeerLink<Message>(
      address,
      { ...options, own: { clusterId, bootId: ownBootId }, bootId, codec: messageCodec },
      { up: () => up(bootId), down: () => down(bootId), drained: () => up(bootId) },
    );
  }
}

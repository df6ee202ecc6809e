import { RespClient, type RespReply } from '../support/resp-client.js';

/**
 * A client for one case. It begins with an empty server, and in a cluster sends a command again to the node that `MOVED` names.
 */
export class CaseClient {
  readonly #nodes = new Map<string, RespClient>();
  readonly #address: string;

  /** @param address `host:port` */
  constructor(address: string) {
    this.#address = address;
  }

  async ask(command: readonly string[]): Promise<RespReply> {
    let address = this.#address;
    for (let left = MAX_REDIRECTS; ; left--) {
      const [reply] = await (await this.#node(address)).ask([command]);
      if (reply === undefined) throw new TypeError('a command has one reply');
      const moved = reply.type === '-' ? /^MOVED \d+ (\S+)$/.exec(reply.text ?? '')?.[1] : undefined;
      if (moved === undefined || left === 0) return reply;
      address = moved;
    }
  }

  close(): void {
    for (const node of this.#nodes.values()) node.close();
  }

  async #node(address: string): Promise<RespClient> {
    const known = this.#nodes.get(address);
    if (known !== undefined) return known;
    const [, host = '', port = ''] = /^(.+):(\d+)$/.exec(address) ?? [];
    const node = await RespClient.open(Number(port), 2, host);
    this.#nodes.set(address, node);
    await node.ask([['FLUSHALL']]);
    return node;
  }
}

const MAX_REDIRECTS = 5;

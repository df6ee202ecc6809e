import { keyId, type Key, type KeyId } from '@kvs/protocol';

/** A call that has entered the order and has not left it. */
export interface Ticket {
  readonly ids: ReadonlySet<KeyId>;
  /** How many tickets it waits for. */
  blockers: number;
  readonly followers: Ticket[];
  readonly run: () => void;
}

/** The tickets of a key that later ones wait for: the last that writes it, and those that read it after that. */
interface Line {
  writer: Ticket | undefined;
  readonly readers: Set<Ticket>;
}

/** Keeps the order of calls on the same key: a call waits for an earlier one on a key of it if one of the two is a write. */
export class KeyOrder {
  readonly #lines = new Map<KeyId, Line>();

  /** Whether no call has entered that has not left. */
  get isEmpty(): boolean {
    return this.#lines.size === 0;
  }

  /** @param run called as soon as the call need not wait, possibly at once; after the call, `leave` must be called */
  enter(keys: readonly Key[], write: boolean, run: () => void): Ticket {
    const ids = new Set(keys.map(keyId));
    const ticket: Ticket = { ids, blockers: 0, followers: [], run };
    const ahead = new Set<Ticket>();
    for (const id of ids) {
      let line = this.#lines.get(id);
      if (line === undefined) this.#lines.set(id, (line = { writer: undefined, readers: new Set() }));
      if (line.writer !== undefined) ahead.add(line.writer);
      if (write) {
        for (const reader of line.readers) ahead.add(reader);
        line.readers.clear();
        line.writer = ticket;
      } else {
        line.readers.add(ticket);
      }
    }
    for (const other of ahead) other.followers.push(ticket);
    ticket.blockers = ahead.size;
    if (ticket.blockers === 0) run();
    return ticket;
  }

  leave(ticket: Ticket): void {
    for (const id of ticket.ids) {
      const line = this.#lines.get(id);
      if (line === undefined) continue;
      if (line.writer === ticket) line.writer = undefined;
      line.readers.delete(ticket);
      if (line.writer === undefined && line.readers.size === 0) this.#lines.delete(id);
    }
    for (const follower of ticket.followers) {
      follower.blockers--;
      if (follower.blockers === 0) follower.run();
    }
  }
}

import type { Effect } from './messages.js';
import { isSame, type Position } from './position.js';

/**
 * The last effects of a partition, in order and without gaps:
 *
 *     base        effects                     end
 *     (3, 17)     (3, 18) (5, 19) (5, 20)     = (5, 20)
 *
 * Two copies agree up to the position of one of them if the tail of the other has that position.
 */
export class Tail {
  #base: Position;
  readonly #effects: Effect[] = [];
  #bytes = 0;

  constructor(base: Position) {
    this.#base = base;
  }

  /** The position before the first effect. */
  get base(): Position {
    return this.#base;
  }

  /** The position of the last effect. */
  get end(): Position {
    return this.#effects[this.#effects.length - 1]?.position ?? this.#base;
  }

  /** About how many bytes of memory the effects take. */
  get bytes(): number {
    return this.#bytes;
  }

  push(effect: Effect): void {
    this.#effects.push(effect);
    this.#bytes += effectBytes(effect);
  }

  has(position: Position): boolean {
    if (isSame(position, this.#base)) return true;
    const effect = this.#effects[position.number - this.#base.number - 1];
    return effect !== undefined && isSame(effect.position, position);
  }

  /** Returns some of the effects after a position that the tail has: at least one if there is one, and not much more than `maxBytes`. */
  after(position: Position, maxBytes = Infinity): readonly Effect[] {
    const from = position.number - this.#base.number;
    let to = from;
    for (let bytes = 0; to < this.#effects.length && bytes < maxBytes; to++) {
      const effect = this.#effects[to];
      if (effect !== undefined) bytes += effectBytes(effect);
    }
    return this.#effects.slice(from, to);
  }

  /** Returns the position with a number, or undefined if the tail has none. */
  positionOf(number: number): Position | undefined {
    if (number === this.#base.number) return this.#base;
    return this.#effects[number - this.#base.number - 1]?.position;
  }

  /** Forgets the effects after a number, because the engine could not store them. */
  cut(number: number): void {
    for (const effect of this.#effects.splice(Math.max(0, number - this.#base.number)))
      this.#bytes -= effectBytes(effect);
  }

  /** Forgets the effects up to a number. */
  trim(number: number): void {
    const count = Math.min(number - this.#base.number, this.#effects.length);
    if (count <= 0) return;
    if (count === this.#effects.length) {
      // As happens after most writes: a list that is emptied in this way keeps its memory.
      this.#base = this.end;
      this.#bytes = 0;
      while (this.#effects.length > 0) this.#effects.pop();
      return;
    }
    for (const effect of this.#effects.splice(0, count)) {
      this.#base = effect.position;
      this.#bytes -= effectBytes(effect);
    }
  }
}

/** Whether one of two copies has all effects of the other, and both agree on them. */
export function agree(a: Tail, b: Tail): boolean {
  return a.has(b.end) || b.has(a.end);
}

function effectBytes({ id, entry }: Effect): number {
  return EFFECT_BYTES + 2 * (id.length + (entry?.value.data.length ?? 0));
}

const EFFECT_BYTES = 150;

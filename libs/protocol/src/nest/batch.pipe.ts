import type { PipeTransform } from '@nestjs/common';
import {
  guardDeleteItem,
  guardIncrementItem,
  guardKeyItem,
  guardSetItem,
  guardTouchItem,
  type ItemGuard,
} from '../guard.js';
import type { Key } from '../key.js';
import type { Limits } from '../limits.js';
import type { DeleteItem, SetItem } from '../operations.js';
import type { IncrementItem, TouchItem } from '../pair-updates.js';
import { InvalidRequestError } from '../problem.js';
import {
  explainDeleteItem,
  explainIncrementItem,
  explainKeyItem,
  explainSetItem,
  explainTouchItem,
  MAX_LISTED_ISSUES,
  type ItemExplainer,
} from './explain.js';

/** The guard and the DTO class of one kind of item. */
export interface ItemSchema<T> {
  readonly guard: ItemGuard<T>;
  readonly explain: ItemExplainer;
}

export const SET_ITEM: ItemSchema<SetItem> = { guard: guardSetItem, explain: explainSetItem };
export const KEY_ITEM: ItemSchema<Key> = { guard: guardKeyItem, explain: explainKeyItem };
export const DELETE_ITEM: ItemSchema<DeleteItem> = { guard: guardDeleteItem, explain: explainDeleteItem };
export const TOUCH_ITEM: ItemSchema<TouchItem> = { guard: guardTouchItem, explain: explainTouchItem };
export const INCREMENT_ITEM: ItemSchema<IncrementItem> = {
  guard: guardIncrementItem,
  explain: explainIncrementItem,
};

/**
 * Validates a whole batch against the encoding schema and the limits, and returns it typed and canonical. One invalid
 * item refuses the whole batch.
 */
export class BatchPipe<T> implements PipeTransform<unknown, T[]> {
  readonly #schema: ItemSchema<T>;
  readonly #limits: Limits;

  constructor(schema: ItemSchema<T>, limits: Limits) {
    this.#schema = schema;
    this.#limits = limits;
  }

  /**
   * O(total size).
   *
   * @throws InvalidRequestError with a JSON pointer to each invalid place, at most {@link MAX_LISTED_ISSUES}, and the
   * number of all invalid items
   */
  transform(body: unknown): T[] {
    if (!Array.isArray(body)) {
      throw new InvalidRequestError(
        [{ pointer: '', code: 'invalid_shape', detail: 'the body must be an array of items' }],
        0,
        'the body must be an array of items',
      );
    }
    const { maxBatchItems } = this.#limits;
    if (body.length > maxBatchItems) {
      const detail = `the batch has ${body.length} items, at most ${maxBatchItems} are allowed`;
      throw new InvalidRequestError([{ pointer: '', code: 'too_many_items', detail }], 0, detail);
    }
    const items: T[] = [];
    for (const item of body as readonly unknown[]) {
      const checked = this.#schema.guard(item, this.#limits);
      if (checked === undefined) throw this.#refusal(body);
      items.push(checked);
    }
    return items;
  }

  #refusal(body: readonly unknown[]): InvalidRequestError {
    const refused = [...body.keys()].filter(
      (index) => this.#schema.guard(body[index], this.#limits) === undefined,
    );
    const issues = refused
      .slice(0, MAX_LISTED_ISSUES)
      .flatMap((index) => this.#schema.explain(body[index], `/${index}`, this.#limits))
      .slice(0, MAX_LISTED_ISSUES);
    return new InvalidRequestError(
      issues,
      refused.length,
      `${refused.length} of ${body.length} items ${refused.length === 1 ? 'is' : 'are'} not valid`,
    );
  }
}

import type { PipeTransform } from '@nestjs/common';
import {
  guardDeleteItem,
  guardIncrementItem,
  guardKeyItem,
  guardSetItem,
  guardTouchItem,
  type ItemGuard,
} from '../guard.js';
import { KvsError } from '../errors.js';
import type { Key } from '../key.js';
import type { Limits } from '../limits.js';
import type { MaybePromise } from '../maybe-promise.js';
import type { DeleteItem, SetItem } from '../operations.js';
import type { IncrementItem, TouchItem } from '../pair-updates.js';
import { InvalidRequestError, MAX_LISTED_ISSUES } from '../problem.js';
import type * as Explainers from './explain.js';

/** The guard of one kind of item, and the name of its explainer. */
export interface ItemSchema<T> {
  readonly guard: ItemGuard<T>;
  readonly explainer: keyof typeof Explainers;
}

/** The items of `PUT /set`. */
export const SET_ITEM: ItemSchema<SetItem> = { guard: guardSetItem, explainer: 'explainSetItem' };
/** The items of `POST /fetch` and `POST /query`. */
export const KEY_ITEM: ItemSchema<Key> = { guard: guardKeyItem, explainer: 'explainKeyItem' };
/** The items of `POST /delete`. */
export const DELETE_ITEM: ItemSchema<DeleteItem> = { guard: guardDeleteItem, explainer: 'explainDeleteItem' };
/** The items of `POST /touch`. */
export const TOUCH_ITEM: ItemSchema<TouchItem> = { guard: guardTouchItem, explainer: 'explainTouchItem' };
/** The items of `POST /increment`. */
export const INCREMENT_ITEM: ItemSchema<IncrementItem> = {
  guard: guardIncrementItem,
  explainer: 'explainIncrementItem',
};

/**
 * Validates a whole batch against the encoding schema and the limits, and returns it typed and canonical. One invalid
 * item refuses the whole batch.
 */
export class BatchPipe<T> implements PipeTransform<unknown, MaybePromise<T[]>> {
  readonly #schema: ItemSchema<T>;
  readonly #limits: Limits;

  constructor(schema: ItemSchema<T>, limits: Limits) {
    this.#schema = schema;
    this.#limits = limits;
  }

  /**
   * O(total size). Items that are not valid are explained by promise, because class-validator is loaded for the first of them.
   *
   * @throws KvsError `invalid_shape` if the body is no array, and `too_many_items`
   * @throws InvalidRequestError by promise, with a JSON pointer to each invalid place, at most {@link MAX_LISTED_ISSUES}, and the
   * number of all invalid items
   */
  transform(body: unknown): MaybePromise<T[]> {
    if (!Array.isArray(body)) throw new KvsError('invalid_shape', 'the body must be an array of items');
    const { maxBatchItems } = this.#limits;
    if (body.length > maxBatchItems) {
      const detail = `the batch has ${body.length} items, at most ${maxBatchItems} are allowed`;
      throw new KvsError('too_many_items', detail);
    }
    const items: T[] = [];
    for (const item of body as readonly unknown[]) {
      const checked = this.#schema.guard(item, this.#limits);
      if (checked === undefined) return this.#refuse(body);
      items.push(checked);
    }
    return items;
  }

  async #refuse(body: readonly unknown[]): Promise<never> {
    const { [this.#schema.explainer]: explain } = await import('./explain.js');
    const refused = [...body.keys()].filter(
      (index) => this.#schema.guard(body[index], this.#limits) === undefined,
    );
    const issues = refused
      .slice(0, MAX_LISTED_ISSUES)
      .flatMap((index) => explain(body[index], `/${index}`, this.#limits))
      .slice(0, MAX_LISTED_ISSUES);
    throw new InvalidRequestError(
      issues,
      refused.length,
      `${refused.length} of ${body.length} items ${refused.length === 1 ? 'is' : 'are'} not valid`,
    );
  }
}

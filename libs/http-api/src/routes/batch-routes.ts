import { Inject, Injectable } from '@nestjs/common';
import {
  deleteAnswer,
  exclusiveUpdate,
  fetchAnswer,
  incrementAnswer,
  incremented,
  queryAnswer,
  refuseHugeJson,
  setAnswer,
  touchAnswer,
  touched,
  whenDone,
  type ExclusiveOperations,
  type FetchOutcome,
  type Key,
  type MaybePromise,
  type WireAnswer,
} from '@kvs/protocol';
import {
  BatchPipe,
  DELETE_ITEM,
  INCREMENT_ITEM,
  KEY_ITEM,
  SET_ITEM,
  TOUCH_ITEM,
  type ItemSchema,
} from '@kvs/protocol/nest';
import { EXCLUSIVE_OPERATIONS, LIMITS, OPERATIONS, type KeyValueOperations, type Limits } from '../tokens.js';
import { readMeta, readNoParameters } from './query-parameters.js';
import { parseReceived, type ReceivedBody } from './raw-body.js';
import { updateAll } from './update-all.js';

/** A route that takes a batch of items. */
export interface BatchRoute {
  readonly method: string;
  /** Whether the answer may be refused after the operation, because it changes nothing. */
  readonly isRead: boolean;
  /** @throws KvsError if the body or a parameter is not valid, or as the operation does, at once or by promise */
  answer(body: ReceivedBody, url: string): MaybePromise<WireAnswer<unknown>>;
}

/** The batch routes, which carry nearly all of the traffic. The controller and the fast path answer by them. */
@Injectable()
export class BatchRoutes {
  readonly #byPath: ReadonlyMap<string, BatchRoute>;

  constructor(
    @Inject(OPERATIONS) operations: KeyValueOperations,
    @Inject(EXCLUSIVE_OPERATIONS) exclusiveOperations: ExclusiveOperations,
    @Inject(LIMITS) limits: Limits,
  ) {
    const { maxAnswerBytes } = limits;
    const pairs = (keys: readonly Key[], outcomes: readonly FetchOutcome[], meta: boolean) => {
      refuseHugeJson(keys, outcomes, maxAnswerBytes);
      return fetchAnswer(keys, outcomes, meta);
    };
    this.#byPath = new Map([
      route('PUT', '/set', limits, SET_ITEM, readMeta, (items, meta) =>
        whenDone(operations.set(items), (outcomes) => setAnswer(items, outcomes, meta)),
      ),
      route('POST', '/fetch', limits, KEY_ITEM, readMeta, (keys, meta) =>
        whenDone(operations.fetch(keys, maxAnswerBytes), (outcomes) => pairs(keys, outcomes, meta)),
      ),
      route('POST', '/query', limits, KEY_ITEM, readNoParameters, (keys) =>
        whenDone(operations.query(keys), (outcomes) => queryAnswer(keys, outcomes)),
      ),
      route('POST', '/delete', limits, DELETE_ITEM, readMeta, (items, meta) =>
        whenDone(operations.delete(items), (outcomes) => deleteAnswer(items, outcomes, meta)),
      ),
      route('POST', '/touch', limits, TOUCH_ITEM, readNoParameters, async (items) =>
        touchAnswer(
          items,
          await updateAll(items, (item) =>
            exclusiveUpdate(exclusiveOperations, item.key, (entry) => touched(item, entry)),
          ),
        ),
      ),
      route('POST', '/increment', limits, INCREMENT_ITEM, readNoParameters, async (items) =>
        incrementAnswer(
          items,
          await updateAll(items, (item) =>
            exclusiveUpdate(exclusiveOperations, item.key, (entry) => incremented(item, entry)),
          ),
        ),
      ),
    ]);
  }

  /** Returns the route, or undefined. Only the documented spelling of a path is found. */
  find(method: string | undefined, url: string | undefined): BatchRoute | undefined {
    if (url === undefined) return undefined;
    const query = url.indexOf('?');
    const route = this.#byPath.get(query === -1 ? url : url.slice(0, query));
    return route?.method === method ? route : undefined;
  }

  /** Returns the route of a documented path. */
  of(path: string): BatchRoute {
    const route = this.#byPath.get(path);
    if (route === undefined) throw new TypeError(`there is no batch route ${path}`);
    return route;
  }
}

const READS: ReadonlySet<string> = new Set(['/fetch', '/query']);

/** Returns a route with its path. It checks the body first, and then the parameters. */
function route<T, P>(
  method: string,
  path: string,
  limits: Limits,
  schema: ItemSchema<T>,
  parametersOf: (url: string) => P,
  answer: (items: readonly T[], parameters: P) => MaybePromise<WireAnswer<unknown>>,
): readonly [path: string, route: BatchRoute] {
  const pipe = new BatchPipe(schema, limits);
  const batch: BatchRoute = {
    method,
    isRead: READS.has(path),
    answer: (body, url) =>
      whenDone(pipe.transform(parseReceived(body, limits)), (items) => answer(items, parametersOf(url))),
  };
  return [path, batch];
}

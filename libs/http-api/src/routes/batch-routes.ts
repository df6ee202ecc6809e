import { Inject, Injectable } from '@nestjs/common';
import { whenDone, type MaybePromise, type WireAnswer } from '@kvs/protocol';
import {
  BatchPipe,
  DELETE_ITEM,
  INCREMENT_ITEM,
  KEY_ITEM,
  SET_ITEM,
  TOUCH_ITEM,
  type ItemSchema,
} from '@kvs/protocol/nest';
import { LIMITS, type Limits } from '../tokens.js';
import { DataService } from './data.service.js';
import { readMeta, readNoParameters } from './query-parameters.js';
import { parseReceived, type ReceivedBody } from './raw-body.js';

/** A route that takes a batch of items. */
export interface BatchRoute {
  readonly method: string;
  /** @throws KvsError if the body or a parameter is not valid, or as the operation does, at once or by promise */
  answer(body: ReceivedBody, url: string): MaybePromise<WireAnswer<unknown>>;
}

/** The batch routes, which carry nearly all of the traffic. The controller and the fast path answer by them. */
@Injectable()
export class BatchRoutes {
  readonly #byPath: ReadonlyMap<string, BatchRoute>;

  constructor(@Inject(DataService) data: DataService, @Inject(LIMITS) limits: Limits) {
    const route = <T, P>(
      method: string,
      schema: ItemSchema<T>,
      parametersOf: (url: string) => P,
      answer: (items: T[], parameters: P) => MaybePromise<WireAnswer<unknown>>,
    ): BatchRoute => {
      const pipe = new BatchPipe(schema, limits);
      return {
        method,
        // The body is checked before the parameters.
        answer: (body, url) =>
          whenDone(pipe.transform(parseReceived(body, limits)), (items) => answer(items, parametersOf(url))),
      };
    };
    this.#byPath = new Map([
      ['/set', route('PUT', SET_ITEM, readMeta, (items, meta) => data.set(items, meta))],
      ['/fetch', route('POST', KEY_ITEM, readMeta, (keys, meta) => data.fetch(keys, meta))],
      ['/query', route('POST', KEY_ITEM, readNoParameters, (keys) => data.query(keys))],
      ['/delete', route('POST', DELETE_ITEM, readMeta, (items, meta) => data.delete(items, meta))],
      ['/touch', route('POST', TOUCH_ITEM, readNoParameters, (items) => data.touch(items))],
      ['/increment', route('POST', INCREMENT_ITEM, readNoParameters, (items) => data.increment(items))],
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

import { Inject, Injectable } from '@nestjs/common';
import { whenDone, type MaybePromise, type WireAnswer } from '@kvs/protocol';
import type { BatchPipe } from '@kvs/protocol/nest';
import { DataService } from '../routes/data.service.js';
import { readMeta, readNoParameters } from '../routes/query-parameters.js';
import {
  DeleteItemsPipe,
  IncrementItemsPipe,
  JsonBodyPipe,
  KeysPipe,
  SetItemsPipe,
  TouchItemsPipe,
  type ReceivedBody,
} from '../routes/raw-body.js';

/** A route of the fast path. */
export interface FastRoute {
  readonly method: string;
  /**
   * Returns the answer of the controller's route, from the same pipes and the same service.
   *
   * @throws KvsError as they do, at once or by promise
   */
  answer(body: ReceivedBody, url: string): MaybePromise<WireAnswer<unknown>>;
}

/** The routes of the fast path: the batch routes, which carry nearly all of the traffic. */
@Injectable()
export class FastRoutes {
  readonly #byPath: ReadonlyMap<string, FastRoute>;

  constructor(
    @Inject(DataService) data: DataService,
    @Inject(JsonBodyPipe) json: JsonBodyPipe,
    @Inject(SetItemsPipe) setItems: SetItemsPipe,
    @Inject(KeysPipe) keys: KeysPipe,
    @Inject(DeleteItemsPipe) deleteItems: DeleteItemsPipe,
    @Inject(TouchItemsPipe) touchItems: TouchItemsPipe,
    @Inject(IncrementItemsPipe) incrementItems: IncrementItemsPipe,
  ) {
    // Bodies are checked before parameters, because Nest's pipes run before a controller's method.
    const route = <T, P>(
      method: string,
      pipe: BatchPipe<T>,
      parametersOf: (url: string) => P,
      answer: (items: T[], parameters: P) => MaybePromise<WireAnswer<unknown>>,
    ): FastRoute => ({
      method,
      answer: (body, url) =>
        whenDone(pipe.transform(json.transform(body)), (items) => answer(items, parametersOf(url))),
    });
    this.#byPath = new Map([
      ['/set', route('PUT', setItems, readMeta, (items, meta) => data.set(items, meta))],
      ['/fetch', route('POST', keys, readMeta, (wanted, meta) => data.fetch(wanted, meta))],
      ['/query', route('POST', keys, readNoParameters, (wanted) => data.query(wanted))],
      ['/delete', route('POST', deleteItems, readMeta, (items, meta) => data.delete(items, meta))],
      ['/touch', route('POST', touchItems, readNoParameters, (items) => data.touch(items))],
      ['/increment', route('POST', incrementItems, readNoParameters, (items) => data.increment(items))],
    ]);
  }

  /** Returns the route, or undefined. Only the documented spelling of a path is found; Express answers the others. */
  find(method: string | undefined, url: string | undefined): FastRoute | undefined {
    if (url === undefined) return undefined;
    const query = url.indexOf('?');
    const route = this.#byPath.get(query === -1 ? url : url.slice(0, query));
    return route?.method === method ? route : undefined;
  }
}

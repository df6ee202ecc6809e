import { Inject, Injectable } from '@nestjs/common';
import { whenDone, type MaybePromise, type WireAnswer } from '@kvs/protocol';
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
    const put = (answer: FastRoute['answer']): FastRoute => ({ method: 'PUT', answer });
    const post = (answer: FastRoute['answer']): FastRoute => ({ method: 'POST', answer });
    // Bodies are checked before parameters, because Nest's pipes run before a controller's method.
    this.#byPath = new Map([
      [
        '/set',
        put((body, url) =>
          whenDone(setItems.transform(json.transform(body)), (items) => data.set(items, readMeta(url))),
        ),
      ],
      [
        '/fetch',
        post((body, url) =>
          whenDone(keys.transform(json.transform(body)), (wanted) => data.fetch(wanted, readMeta(url))),
        ),
      ],
      [
        '/query',
        post((body, url) =>
          whenDone(keys.transform(json.transform(body)), (wanted) => {
            readNoParameters(url);
            return data.query(wanted);
          }),
        ),
      ],
      [
        '/delete',
        post((body, url) =>
          whenDone(deleteItems.transform(json.transform(body)), (items) => data.delete(items, readMeta(url))),
        ),
      ],
      [
        '/touch',
        post((body, url) =>
          whenDone(touchItems.transform(json.transform(body)), (items) => {
            readNoParameters(url);
            return data.touch(items);
          }),
        ),
      ],
      [
        '/increment',
        post((body, url) =>
          whenDone(incrementItems.transform(json.transform(body)), (items) => {
            readNoParameters(url);
            return data.increment(items);
          }),
        ),
      ],
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

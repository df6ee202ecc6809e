import {
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { finished } from 'node:stream/promises';
import { KvsError, messageOf } from '@kvs/protocol';

/** A user of an etcd with authentication. */
export interface EtcdUser {
  readonly name: string;
  readonly password: string;
}

/**
 * The JSON gateway of etcd, version 3. Keys and values are base64 there, and 64-bit numbers are texts. Requests go to one server
 * of the cluster as long as it answers, and then to the next one.
 */
export class EtcdGateway {
  readonly #endpoints: readonly URL[];
  readonly #timeoutMs: number;
  readonly #user: EtcdUser | undefined;
  readonly #http = new HttpAgent({ keepAlive: true });
  readonly #https = new HttpsAgent({ keepAlive: true });
  readonly #closed = new AbortController();
  /** The server that is asked, as an index. */
  #current = 0;
  /** Ends the streams from that server. */
  #streams = new AbortController();
  /** Stands for the user until etcd has forgotten it, which is after some minutes without requests. */
  #token: string | undefined;

  /** @param timeoutMs how long one server may take to answer, in milliseconds */
  constructor(endpoints: readonly URL[], timeoutMs: number, user: EtcdUser | undefined) {
    this.#endpoints = endpoints;
    this.#timeoutMs = timeoutMs;
    this.#user = user;
  }

  /**
   * Asks each server in turn until one answers: only for requests that may be carried out several times. A server before the last
   * one has half of the time, because it may hang, or wait for a leader that has died.
   *
   * @throws KvsError `store_unavailable`: a change may have been made, or may be made later
   */
  async askEach(path: string, body: object): Promise<Fields> {
    let failure: unknown;
    for (let left = this.#endpoints.length; left > 0; left--) {
      try {
        return await this.askOne(path, body, left > 1 ? this.#timeoutMs / 2 : this.#timeoutMs);
      } catch (error) {
        failure = error;
        if (this.#closed.signal.aborted) break;
      }
    }
    throw failure;
  }

  /**
   * Asks one server once.
   *
   * @throws KvsError `store_unavailable`: a change may have been made, or may be made later
   */
  async askOne(path: string, body: object, timeoutMs = this.#timeoutMs): Promise<Fields> {
    const asked = this.#current;
    const endpoint = this.#endpoints[asked];
    // Not AbortSignal.any: a signal that lives as long as the process would keep something of each request.
    const end = new AbortController();
    const abort = (): void => end.abort();
    const timer = setTimeout(abort, timeoutMs);
    this.#closed.signal.addEventListener('abort', abort);
    try {
      if (this.#closed.signal.aborted) abort();
      const response = await this.#post(endpoint, path, body, end.signal);
      return fields(JSON.parse(await textOf(response)));
    } catch (error) {
      // Requests that fail together must not skip the servers between.
      if (this.#current === asked) this.#askNext();
      const isLate = end.signal.aborted && !this.#closed.signal.aborted;
      throw unavailable(isLate ? `no answer within ${timeoutMs} ms` : error, endpoint);
    } finally {
      clearTimeout(timer);
      this.#closed.signal.removeEventListener('abort', abort);
    }
  }

  /**
   * Calls `changed` for each event of a stream, or once for several, until the stream ends or breaks, or until a request fails.
   *
   * @throws KvsError `store_unavailable`
   */
  async follow(path: string, body: object, changed: () => void): Promise<void> {
    const endpoint = this.#endpoints[this.#current];
    try {
      const response = await this.#post(endpoint, path, body, this.#streams.signal);
      // An event is a line. It has the whole value, so a large one comes in many chunks.
      response.on('data', (chunk: Buffer) => {
        if (chunk.at(-1) === NEW_LINE) changed();
      });
      await finished(response);
    } catch (error) {
      throw unavailable(error, endpoint);
    }
  }

  /** Ends all requests. Further ones fail. */
  close(): void {
    this.#closed.abort();
    this.#streams.abort();
    this.#http.destroy();
    this.#https.destroy();
  }

  #askNext(): void {
    if (this.#closed.signal.aborted) return;
    this.#current = (this.#current + 1) % this.#endpoints.length;
    // A server that hangs, or that has lost the others, keeps a stream open and sends no events. So does a broken connection.
    this.#streams.abort();
    this.#streams = new AbortController();
  }

  async #post(
    endpoint: URL | undefined,
    path: string,
    body: object,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    if (endpoint === undefined) throw new TypeError('there is no endpoint');
    const hadToken = this.#token !== undefined;
    if (this.#user !== undefined) this.#token ??= await this.#authenticate(endpoint, this.#user, signal);
    const response = await this.#send(endpoint, path, body, signal);
    if (response.statusCode === 200) return response;
    // Other refusals may also come from the token, such as one that is older than a change of the users.
    this.#token = undefined;
    if (response.statusCode !== 401 || !hadToken) return response;
    response.resume();
    return this.#post(endpoint, path, body, signal);
  }

  async #authenticate(endpoint: URL, user: EtcdUser, signal: AbortSignal): Promise<string> {
    const response = await this.#send(endpoint, '/v3/auth/authenticate', user, signal);
    return text(fields(JSON.parse(await textOf(response))), 'token');
  }

  #send(endpoint: URL, path: string, body: object, signal: AbortSignal): Promise<IncomingMessage> {
    const json = JSON.stringify(body);
    const isHttps = endpoint.protocol === 'https:';
    const options: RequestOptions = {
      method: 'POST',
      agent: isHttps ? this.#https : this.#http,
      headers: {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(json),
        ...(this.#token !== undefined && { authorization: this.#token }),
      },
      signal,
    };
    return new Promise((resolve, reject) => {
      const send = isHttps ? httpsRequest : httpRequest;
      send(new URL(path, endpoint), options, resolve).on('error', reject).end(json);
    });
  }
}

/** An object of JSON. */
export type Fields = Readonly<Record<string, unknown>>;

/** Returns the object, or an empty one for anything else: etcd leaves out fields that are zero or empty. */
export function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {}; // whose values are still unknown
}

export function text(object: Fields, field: string): string {
  const value = object[field];
  return typeof value === 'string' ? value : '';
}

export function toBase64(plain: string): string {
  return Buffer.from(plain).toString('base64');
}

export function fromBase64(encoded: string): string {
  return Buffer.from(encoded, 'base64').toString();
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > MAX_ANSWER_BYTES) throw new Error('the answer is too large');
  }
  const body = Buffer.concat(chunks).toString();
  if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}: ${body.slice(0, 200)}`);
  return body;
}

function unavailable(error: unknown, endpoint: URL | undefined): KvsError {
  return new KvsError('store_unavailable', `etcd at ${endpoint?.host}: ${messageOf(error)}`, {
    cause: error,
  });
}

const NEW_LINE = 0x0a;
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

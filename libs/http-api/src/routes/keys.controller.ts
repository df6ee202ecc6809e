import { isUtf8 } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Controller, Delete, Get, Inject, Put, Req, Res } from '@nestjs/common';
import {
  brandValue,
  guardKey,
  guardValue,
  isTtl,
  KvsError,
  MAX_TTL_MS,
  type Encoding,
  type Entry,
  type Key,
  type Value,
} from '@kvs/protocol';
import type { AdmittedRequest } from '../server/body.js';
import {
  EXCLUSIVE_OPERATIONS,
  LIMITS,
  OPERATIONS,
  type ExclusiveOperations,
  type KeyValueOperations,
  type Limits,
} from '../tokens.js';
import { entityTag, isMatchFailed, isNotModified, writePrecondition } from './preconditions.js';
import { QueryParameters } from './query-parameters.js';
import { RawBody, type ReceivedBody } from './raw-body.js';
import { SingleKey } from './single-key.js';

/** The part of a request's target before the key. Express ignores the case of letters and accepts the absolute form. */
const BEFORE_KEY = /^(?:https?:\/\/[^/]*)?\/keys\//i;
/** Matches a missing key too, because that has its own error code. */
const KEY_PATH = 'keys/{*key}';
const MEDIA_TYPES: Readonly<Record<Encoding, string>> = {
  string: 'text/plain; charset=utf-8',
  binary: 'application/octet-stream',
};

/** One key as an HTTP resource: its value is the body, its version the entity tag. */
@Controller()
export class KeysController {
  readonly #operations: KeyValueOperations;
  readonly #exclusiveOperations: ExclusiveOperations;
  readonly #limits: Limits;

  constructor(
    @Inject(OPERATIONS) operations: KeyValueOperations,
    @Inject(EXCLUSIVE_OPERATIONS) exclusiveOperations: ExclusiveOperations,
    @Inject(LIMITS) limits: Limits,
  ) {
    this.#operations = operations;
    this.#exclusiveOperations = exclusiveOperations;
    this.#limits = limits;
  }

  @Get(KEY_PATH)
  async read(@Req() request: AdmittedRequest, @Res() response: ServerResponse): Promise<void> {
    const entry = await this.#resource(request).read();
    if (entry === null) throw absent();
    if (isMatchFailed(request.headers, entry.version)) {
      throw new KvsError('precondition_failed', 'the version is not the one of If-Match');
    }
    describe(response, entry);
    if (isNotModified(request.headers, entry.version)) {
      response.statusCode = 304;
      response.end();
      return;
    }
    if (request.method !== 'HEAD') request.memory.checkAnswer();
    const body = Buffer.from(entry.value.data, entry.value.encoding === 'string' ? 'utf8' : 'hex');
    response.setHeader('content-type', MEDIA_TYPES[entry.value.encoding]);
    response.setHeader('content-length', body.length);
    response.end(request.method === 'HEAD' ? undefined : body);
  }

  @Put(KEY_PATH)
  async write(
    @RawBody() body: ReceivedBody,
    @Req() request: IncomingMessage,
    @Res() response: ServerResponse,
  ): Promise<void> {
    const resource = this.#resource(request);
    const precondition = writePrecondition(request.headers);
    const ttlMs = readTtl(request);
    const { version, created } = await resource.write(this.#readValue(body), ttlMs, precondition);
    response.setHeader('etag', entityTag(version));
    response.statusCode = created ? 201 : 204;
    response.end();
  }

  @Delete(KEY_PATH)
  async remove(@Req() request: IncomingMessage, @Res() response: ServerResponse): Promise<void> {
    const removed = await this.#resource(request).remove(writePrecondition(request.headers));
    if (!removed) throw absent();
    response.statusCode = 204;
    response.end();
  }

  #resource(request: IncomingMessage): SingleKey {
    return new SingleKey(this.#operations, this.#exclusiveOperations, this.#readKey(request.url ?? ''));
  }

  #readKey(url: string): Key {
    const encoding = new QueryParameters(url, ['encoding']).encoding();
    // The path as sent. After decoding, an encoded slash would look like a separator.
    const path = url.split('?', 1)[0] ?? '';
    const data = decodePath(path.replace(BEFORE_KEY, ''));
    const key = guardKey({ encoding, data }, this.#limits);
    if (key) return key;
    if (data === '') throw new KvsError('empty_key', 'the key is missing from the path');
    if (guardKey({ encoding, data }, { ...this.#limits, maxKeyBytes: Infinity })) {
      throw new KvsError('key_too_long', `a key has at most ${this.#limits.maxKeyBytes} bytes`);
    }
    throw new KvsError('invalid_data', `the key is not valid ${encoding} data`);
  }

  #readValue({ bytes, contentType }: ReceivedBody): Value {
    const value = decodeValue(bytes, contentType);
    if (guardValue(value, this.#limits)) return value;
    throw new KvsError('value_too_large', `a value has at most ${this.#limits.maxValueBytes} bytes`);
  }
}

function describe(response: ServerResponse, { version, ttlMs }: Entry): void {
  response.setHeader('etag', entityTag(version));
  if (ttlMs !== undefined) response.setHeader('kvs-ttl-ms', ttlMs);
  response.setHeader('cache-control', 'no-cache');
}

function absent(): KvsError {
  return new KvsError('key_not_found', 'the key is absent');
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch (error) {
    throw new KvsError('invalid_data', 'the key is not valid percent-encoded UTF-8', { cause: error });
  }
}

/** curl sends a form type with `-d` by default, so a body of that type is text if it is valid UTF-8. */
function decodeValue(bytes: Uint8Array, contentType: string | undefined): Value {
  const type = contentType?.split(';', 1)[0]?.trim().toLowerCase();
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (type === 'application/octet-stream')
    return brandValue({ encoding: 'binary', data: buffer.toString('hex') });
  const undeclared = type === undefined || type === 'application/x-www-form-urlencoded';
  if (type !== 'text/plain' && !(undeclared && isUtf8(bytes))) {
    throw new KvsError('unsupported_media_type', 'send text/plain or application/octet-stream');
  }
  const charset = /;\s*charset="?([^";\s]+)/i.exec(contentType ?? '')?.[1]?.toLowerCase() ?? 'utf-8';
  if (charset !== 'utf-8' && charset !== 'utf8' && charset !== 'us-ascii') {
    throw new KvsError('unsupported_media_type', `text must be UTF-8, not ${charset}`);
  }
  if (!isUtf8(bytes)) throw new KvsError('invalid_data', 'the text is not valid UTF-8');
  return brandValue({ encoding: 'string', data: buffer.toString('utf8') });
}

function readTtl({ headers }: IncomingMessage): number | undefined {
  const header = headers['kvs-ttl-ms'];
  if (header === undefined) return undefined;
  const ttlMs = typeof header === 'string' && /^\d{1,16}$/.test(header) ? Number(header) : NaN;
  if (isTtl(ttlMs)) return ttlMs;
  throw new KvsError('invalid_ttl', `KVS-TTL-Ms must be a whole number from 1 to ${MAX_TTL_MS}`);
}

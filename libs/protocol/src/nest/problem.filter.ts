import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { KvsError, type ErrorCode } from '../errors.js';
import { isRecord } from '../guard.js';
import { PROBLEM_MEDIA_TYPE, problemOf } from '../problem.js';

/** The part of a response that a problem needs. Express's response has it. */
interface ProblemResponse {
  readonly headersSent: boolean;
  setHeader(name: string, value: string): unknown;
  statusCode: number;
  end(body: string): unknown;
  destroy(): unknown;
}

/** Answers every error with `application/problem+json` (RFC 9457). */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  readonly #onUnexpected: (error: unknown) => void;

  /** @param onUnexpected receives each error that is a defect rather than an operating error */
  constructor(onUnexpected: (error: unknown) => void) {
    this.#onUnexpected = onUnexpected;
  }

  catch(thrown: unknown, host: ArgumentsHost): void {
    answerError(host.switchToHttp().getResponse<ProblemResponse>(), thrown, this.#onUnexpected);
  }
}

/** Answers with the problem for this error. `onUnexpected` as for {@link ProblemFilter}. */
export function answerError(
  response: ProblemResponse,
  thrown: unknown,
  onUnexpected: (error: unknown) => void,
): void {
  const error = toKvsError(thrown);
  if (error.code === 'internal_error') onUnexpected(thrown);
  // An answer that has begun can't become an error. The connection is cut, so that no client takes a part for the
  // whole.
  if (response.headersSent) response.destroy();
  else sendProblem(response, error);
}

/** Answers a request with the problem document of an error. */
export function sendProblem(response: ProblemResponse, error: KvsError): void {
  const problem = problemOf(error);
  response.statusCode = problem.status;
  response.setHeader('content-type', PROBLEM_MEDIA_TYPE);
  response.setHeader('x-content-type-options', 'nosniff');
  if (problem.status === 503) response.setHeader('retry-after', RETRY_AFTER_SECONDS);
  response.end(JSON.stringify(problem));
}

export const RETRY_AFTER_SECONDS = '1';

/** Returns the KvsError for an error of Nest, Express or its body parser. */
function toKvsError(thrown: unknown): KvsError {
  if (thrown instanceof KvsError) return thrown;
  const status = statusOf(thrown);
  const code =
    CODE_BY_STATUS[status] ?? (status >= 400 && status < 500 ? 'invalid_request' : 'internal_error');
  const detail = code === 'internal_error' ? 'an unexpected error; the log says more' : messageOf(thrown);
  return new KvsError(code, detail, { cause: thrown });
}

const CODE_BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  404: 'not_found',
  405: 'method_not_allowed',
  413: 'body_too_large',
  415: 'unsupported_media_type',
};

function statusOf(thrown: unknown): number {
  if (thrown instanceof HttpException) return thrown.getStatus();
  const status: unknown = isRecord(thrown) ? thrown['status'] : undefined;
  return typeof status === 'number' ? status : 500;
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : 'the request is not valid';
}

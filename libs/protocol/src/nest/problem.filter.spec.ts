import { NotFoundException, type ArgumentsHost } from '@nestjs/common';
import { KvsError } from '../errors.js';
import { InvalidRequestError, MaybeAppliedError, NodesUnavailableError } from '../problem.js';
import { ProblemFilter } from './problem.filter.js';

function answerTo(thrown: unknown, headersSent = false) {
  const headers: Record<string, string> = {};
  const unexpected: unknown[] = [];
  const answer = { headers, unexpected, status: 0, body: undefined as unknown, destroyed: false };
  const response = {
    headersSent,
    setHeader: (name: string, value: string) => (headers[name] = value),
    set statusCode(status: number) {
      answer.status = status;
    },
    end: (body: string) => (answer.body = JSON.parse(body)),
    destroy: () => (answer.destroyed = true),
  };
  // The filter uses only this part of Nest's host.
  const host = { switchToHttp: () => ({ getResponse: () => response }) };
  new ProblemFilter((error) => unexpected.push(error)).catch(thrown, host as unknown as ArgumentsHost);
  return answer;
}

describe('an error answers as a problem', () => {
  it('with the code and status of an operating error', () => {
    const { status, headers, body, unexpected } = answerTo(
      new KvsError('key_not_found', 'the key is absent'),
    );
    expect([status, unexpected]).toEqual([404, []]);
    expect(headers).toEqual({
      'content-type': 'application/problem+json',
      'x-content-type-options': 'nosniff',
    });
    expect(body).toEqual({
      type: 'urn:kvs:error:key_not_found',
      title: 'The key is absent',
      status: 404,
      detail: 'the key is absent',
      code: 'key_not_found',
    });
  });

  it('with the invalid places', () => {
    const issue = { pointer: '/0/key', code: 'invalid_shape', detail: 'key is missing' } as const;
    expect(answerTo(new InvalidRequestError([issue], 1, '1 of 1 items is not valid')).body).toMatchObject({
      status: 400,
      errors: [issue],
      invalid_items: 1,
    });
  });

  it('with the nodes that are away, and when to try again', () => {
    const { status, headers, body } = answerTo(new NodesUnavailableError(['a:1', 'b:2']));
    expect(status).toBe(503);
    expect(headers['retry-after']).toBe('1');
    expect(body).toMatchObject({ code: 'node_unavailable', nodes: ['a:1', 'b:2'] });
  });

  it('that says if a write may have been applied', () => {
    const { status, body } = answerTo(new MaybeAppliedError('node_unavailable', 'the link broke'));
    expect([status, body]).toMatchObject([503, { code: 'node_unavailable', maybe_applied: true }]);
    expect(answerTo(new KvsError('node_unavailable', 'no link')).body).not.toHaveProperty('maybe_applied');
  });

  it("in our terms when it is the framework's", () => {
    expect(answerTo(new NotFoundException('Cannot GET /x')).body).toMatchObject({
      status: 404,
      code: 'not_found',
    });
  });

  it.each([
    [400, 'invalid_request', 400],
    [404, 'not_found', 404],
    [405, 'method_not_allowed', 405],
    [413, 'body_too_large', 413],
    [415, 'unsupported_media_type', 415],
    [499, 'invalid_request', 400],
    [500, 'internal_error', 500],
  ])("with the code of the framework's status %i: %s", (frameworks, code, status) => {
    const error = Object.assign(new Error('of the body parser'), { status: frameworks });
    expect(answerTo(error).body).toMatchObject({ code, status });
  });

  it('without its details when it is a defect, which is reported', () => {
    const defect = new TypeError('secret');
    const { body, unexpected } = answerTo(defect);
    expect(body).toMatchObject({ status: 500, code: 'internal_error' });
    expect(JSON.stringify(body)).not.toContain('secret');
    expect(unexpected).toEqual([defect]);
  });

  it('by cutting the connection when the answer has begun', () => {
    const { destroyed, body } = answerTo(new KvsError('node_unavailable', 'gone'), true);
    expect(destroyed).toBe(true);
    expect(body).toBeUndefined();
  });
});

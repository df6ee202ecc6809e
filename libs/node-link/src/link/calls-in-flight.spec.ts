import { AnswerSize, stringKey, stringValue, type FetchOutcome } from '@kvs/protocol';
import { TransportError } from '@kvs/router/transport';
import { PendingCall } from './calls-in-flight.js';

const keys = ['a', 'b', 'c'].map(stringKey);
const found: FetchOutcome = { ok: true, entry: { value: stringValue('v'.repeat(100)), version: 1 } };

let ends: unknown[];
beforeEach(() => {
  ends = [];
});

function fetchWith(size?: AnswerSize): PendingCall<'fetch'> {
  const end = (outcome: unknown): void => void ends.push(outcome);
  return new PendingCall('fetch', { items: keys, partitions: [0, 0, 0], weight: 0 }, 0, end, end, size);
}

function receive(call: PendingCall<'fetch'>, ...outcomes: FetchOutcome[]): void {
  call.outcomes.push(...outcomes);
  call.received();
}

function hasValues({ outcomes }: PendingCall<'fetch'>): boolean {
  return outcomes.some((outcome) => outcome.ok);
}

describe('a fetch', () => {
  it('fails with the value that makes the answer too large, and keeps none from then on', () => {
    const call = fetchWith(new AnswerSize(199));
    receive(call, found);
    expect([call.settled, hasValues(call)]).toEqual([false, true]);
    receive(call, found);
    expect(ends).toEqual([expect.objectContaining({ code: 'answer_too_large' })]);
    expect(hasValues(call)).toBe(false);
    receive(call, found);
    expect([hasValues(call), call.outcomes.length]).toEqual([false, 3]);
  });

  it('is answered when all values are within the limit, those of other calls too', () => {
    const size = new AnswerSize(400);
    size.add(100);
    const call = fetchWith(size);
    receive(call, found, { ok: true, entry: null });
    receive(call, found);
    call.complete();
    expect(ends).toEqual([[found, { ok: true, entry: null }, found]]);
  });

  it('is refused when its outcomes come at once and are too large', () => {
    fetchWith(new AnswerSize(299)).complete([found, found, found]);
    expect(ends).toEqual([expect.objectContaining({ code: 'answer_too_large' })]);
  });

  it('that failed counts no more, so that it can be tried again', () => {
    const size = new AnswerSize(300);
    const first = fetchWith(size);
    receive(first, found, found);
    first.reject(new TransportError('broken', 'gone'));
    const second = fetchWith(size);
    receive(second, found, found, found);
    second.complete();
    expect(ends).toEqual([expect.any(TransportError), [found, found, found]]);
  });

  it('fails with its next value after another call made the answer too large', () => {
    const size = new AnswerSize(150);
    receive(fetchWith(size), found, found);
    const other = fetchWith(size);
    receive(other, found);
    expect([other.settled, hasValues(other)]).toEqual([true, false]);
  });

  it('that nobody waits for any more keeps nothing of what comes', () => {
    const call = fetchWith();
    call.reject(new TransportError('timeout', 'late'));
    receive(call, found);
    expect(hasValues(call)).toBe(false);
  });
});

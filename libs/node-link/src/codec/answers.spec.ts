import fc from 'fast-check';
import { stringValue, type FetchOutcome } from '@kvs/protocol';
import { answers, slabs } from '../../test/arbitraries.js';
import { callFor, frameOf, integer, MAX_FRAME_BYTES, readAnswers } from '../../test/frames.js';
import { REFUSED, encodeAnswers, type Answer } from './answers.js';
import { FrameBuilder } from './frame-builder.js';
import { FRAME, KIND_CODES, LinkProtocolError } from './frame.js';

const builder = new FrameBuilder();
const limits = { frameBytes: MAX_FRAME_BYTES / 4, maxFrameBytes: MAX_FRAME_BYTES };
const encode = (given: readonly Answer[], frameBytes = limits.frameBytes, writer = builder) =>
  encodeAnswers(writer, given, { ...limits, frameBytes });

/** Returns the answers as the proxy decodes them. */
function roundTrip(given: readonly Answer[], frameBytes?: number, writer?: FrameBuilder): Answer[] {
  const calls = new Map(given.map((answer) => [answer.id, callFor(answer)]));
  const frames = encode(given, frameBytes, writer);
  return readAnswers(frames, (id) => calls.get(id)).map(({ id, call, refusal }): Answer =>
    refusal ? { id, refusal } : ({ id, kind: call.kind, outcomes: call.outcomes } as Answer),
  );
}

const entry = (bytes: number): FetchOutcome => ({
  ok: true,
  entry: { value: stringValue('v'.repeat(bytes)), version: 1 },
});

const uniqueAnswers = fc.uniqueArray(answers, { selector: ({ id }) => id, maxLength: 6 });

describe('answers', () => {
  it('are read as they were written', () => {
    fc.assert(
      fc.property(uniqueAnswers, slabs, (given, slab) => {
        expect(roundTrip(given, undefined, new FrameBuilder(slab))).toEqual(given);
      }),
      { numRuns: 300 },
    );
  });

  it('are the same over however many frames they go', () => {
    fc.assert(
      fc.property(uniqueAnswers, fc.integer({ min: 1, max: 300 }), (given, frameBytes) => {
        expect(roundTrip(given, frameBytes)).toEqual(given);
      }),
    );
  });

  it('go over frames of about the size that is asked for', () => {
    const outcomes = Array.from({ length: 100 }, () => entry(1000));
    const frames = encode([{ id: 7, kind: 'fetch', outcomes }], 10_000);
    expect(frames.length).toBeGreaterThan(5);
    for (const frame of frames) expect(frame.length).toBeLessThan(12_000);
  });

  it('never make a frame larger than the other end takes, whatever it has already', () => {
    const sizes = fc.array(fc.integer({ min: 0, max: MAX_FRAME_BYTES }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(
        fc.array(sizes, { minLength: 1, maxLength: 5 }),
        fc.constantFrom('v', 'é', '日'),
        (each, letter) => {
          const refusals = Array.from({ length: 100 }, (_, i): Answer => {
            return { id: each.length + i, refusal: { code: 'overloaded', message: letter.repeat(1000) } };
          });
          const fetches = each.map((units, i): Answer => {
            const value = (length: number) => stringValue(letter.repeat(length));
            const outcomes = units.map((length) => ({
              ok: true as const,
              entry: { value: value(length), version: 1 },
            }));
            return { id: i, kind: 'fetch', outcomes };
          });
          const given = [...fetches, ...refusals];
          for (const frame of encode(given)) expect(frame.length).toBeLessThanOrEqual(MAX_FRAME_BYTES);
          expect(roundTrip(given)).toHaveLength(given.length);
        },
      ),
    );
  });

  it('say of a pair that no frame can hold that it is too large, and give the others', () => {
    const given: Answer = { id: 1, kind: 'fetch', outcomes: [entry(1), entry(MAX_FRAME_BYTES), entry(2)] };
    const [answer] = roundTrip([given]);
    expect(answer).toMatchObject({ outcomes: [entry(1), { ok: false, code: 'answer_too_large' }, entry(2)] });
  });

  it('keep messages that can be read, and not without end', () => {
    const message = `\ud800${'x'.repeat(10_000)}`;
    const [answer] = roundTrip([{ id: 1, refusal: { code: 'internal_error', message } }]);
    expect(answer).toEqual({
      id: 1,
      refusal: { code: 'internal_error', message: `\ufffd${'x'.repeat(1023)}` },
    });
  });
});

describe('an answer makes no sense', () => {
  const present: Answer = { id: 1, kind: 'query', outcomes: [{ ok: true, present: true }] };
  const read = (given: Answer, open: Answer | undefined) =>
    readAnswers(encode([given]), () => (open === undefined ? undefined : callFor(open)));

  it('when nobody asked', () => {
    expect(() => read(present, undefined)).toThrow(LinkProtocolError);
  });

  it('when something else was asked', () => {
    expect(() => read(present, { id: 1, kind: 'delete', outcomes: [{ ok: true, deleted: true }] })).toThrow(
      LinkProtocolError,
    );
  });

  const refusal: Answer = { id: 1, refusal: { code: 'overloaded', message: '' } };
  it.each<[string, Answer[], Answer]>([
    ['refusals', [refusal, refusal], present],
    ['refusal and outcomes', [refusal, present], present],
    ['outcomes and refusal', [present, refusal], present],
    ['outcomes twice', [present, present], present],
  ])('when there are two to one call: %s', (_, given, open) => {
    const call = callFor(open);
    expect(() => readAnswers(encode(given), () => call)).toThrow(LinkProtocolError);
  });

  const yes = { ok: true as const, present: true };
  it('when it has more outcomes than there were items', () => {
    expect(() => read({ ...present, outcomes: [yes, yes] }, present)).toThrow(LinkProtocolError);
  });

  const { set, fetch, query } = KIND_CODES;
  const [done, yesFlag, binary, hasTtl] = [1, 2, 4, 8];
  const version = integer(1n);
  const noTtl = [integer(0n), integer(1n)];
  const asked = {
    set: { id: 1, kind: 'set', outcomes: [{ ok: true, version: 1, created: true }] },
    fetch: { id: 1, kind: 'fetch', outcomes: [entry(1)] },
    query: present,
  } satisfies Record<string, Answer>;
  it.each<[string, keyof typeof asked, (number | Uint8Array)[], string]>([
    ['when it has no outcomes', 'query', [1, query], ''],
    [
      'when it has no outcomes, because it is the second',
      'query',
      [1, query, done, 1, query, 2, query, done],
      '',
    ],
    ['when a query has a flag of a fetch', 'query', [1, query, done | binary], ''],
    ['when a set has a flag of a fetch', 'set', [1, set, done | binary, version], ''],
    [
      'when an absent key has an entry',
      'fetch',
      [1, fetch, done | hasTtl, 1, version, integer(1n), integer(1n)],
      'v',
    ],
    ['when a key has a flag that is not known', 'fetch', [1, fetch, done | yesFlag | 32, 1, version], 'v'],
    ['when a failure has a flag of a success', 'query', [1, query, yesFlag, 10, 0], 'overloaded'],
    ['when a time to live is 0', 'fetch', [1, fetch, done | yesFlag | hasTtl, 1, version, ...noTtl], 'v'],
    ['when an error code is not known', 'query', [1, REFUSED, 4, 0], 'odd!'],
  ])('%s', (_, kind, numbers, text) => {
    const calls = [1, 2].map(() => callFor(asked[kind]));
    expect(() => readAnswers([frameOf(FRAME.answers, numbers, text)], (id) => calls[id - 1])).toThrow(
      LinkProtocolError,
    );
  });

  it.each<[string, Answer]>([
    ['when it begins before the one before it has ended', { ...present, id: 0 }],
    ['when it refuses a call that is answered in part', { ...refusal, id: 1 }],
  ])('%s', (_, second) => {
    const two = (id: number): Answer => ({ id, kind: 'query', outcomes: [yes, yes] });
    const calls = [callFor(two(0)), callFor(two(1))];
    const frames = [...encode([present]), ...encode([second])];
    expect(() => readAnswers(frames, (id) => calls[id])).toThrow(LinkProtocolError);
  });

  it('when a message has no end', () => {
    builder.begin(FRAME.answers);
    for (const number of [1, REFUSED, 'overloaded'.length, 5000]) builder.varint(number);
    builder.text(`overloaded${'x'.repeat(5000)}`);
    expect(() => readAnswers([builder.finish()], () => callFor(present))).toThrow(LinkProtocolError);
  });

  it.each([0, -1, 2 ** 53])('when a version is %d', (version) => {
    const set: Answer = { id: 1, kind: 'set', outcomes: [{ ok: true, version, created: true }] };
    expect(() => read(set, set)).toThrow(LinkProtocolError);
  });
});

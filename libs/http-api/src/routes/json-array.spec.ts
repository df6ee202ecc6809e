import { text as textOf } from 'node:stream/consumers';
import fc from 'fast-check';
import { itemsAsArray } from './json-array.js';

async function* slices(bytes: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  let from = 0;
  for (const cut of cuts.map((each) => each % (bytes.length + 1)).toSorted((a, b) => a - b)) {
    yield bytes.subarray(from, cut);
    from = cut;
  }
  yield bytes.subarray(from);
}

describe('items as a JSON array', () => {
  it('hold the same values, wherever the chunks are cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.jsonValue()), fc.array(fc.nat()), async (values, cuts) => {
        const items = Buffer.from(values.map((value) => `,${JSON.stringify(value)}`).join(''));
        expect(await textOf(itemsAsArray(slices(items, cuts)))).toBe(JSON.stringify(values));
      }),
    );
  });

  it('are passed on as the chunks that came, and not copied', async () => {
    const chunks = [Buffer.from(',1,2'), Buffer.from(',3')];
    const seen: Uint8Array[] = [];
    for await (const chunk of itemsAsArray(chunksFrom(chunks))) seen.push(chunk);
    expect(seen.map((chunk) => Buffer.from(chunk).toString())).toEqual(['[', '1,2', ',3', ']']);
    expect(seen[2]).toBe(chunks[1]);
  });

  it('are never complete when they break off', async () => {
    const failure = new Error('gone');
    const items = (async function* () {
      yield Buffer.from(',1');
      throw failure;
    })();
    let text = '';
    const reading = (async () => {
      for await (const chunk of itemsAsArray(items)) text += Buffer.from(chunk).toString();
    })();
    await expect(reading).rejects.toBe(failure);
    expect(text).toBe('[1');
  });
});

async function* chunksFrom(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

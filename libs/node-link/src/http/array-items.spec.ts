import { text as textOf } from 'node:stream/consumers';
import fc from 'fast-check';
import { perishable } from '@kvs/protocol/testing';
import { arrayItems } from './array-items.js';

async function* slices(text: string, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  let from = 0;
  for (const cut of cuts.map((each) => each % (bytes.length + 1)).toSorted((a, b) => a - b)) {
    yield bytes.subarray(from, cut);
    from = cut;
  }
  yield bytes.subarray(from);
}

describe('the items of an array', () => {
  it('each have a comma before them, wherever the chunks are cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.jsonValue()), fc.array(fc.nat()), async (values, cuts) => {
        const items = await textOf(arrayItems(perishable(slices(JSON.stringify(values), cuts))));
        expect(items).toBe(values.map((value) => `,${JSON.stringify(value)}`).join(''));
      }),
    );
  });

  it('are not complete where the array is not, wherever it ends', async () => {
    const whole = JSON.stringify([{ data: ']' }, { data: '[]' }, ']x']);
    for (let length = 0; length < whole.length; length++) {
      const part = whole.slice(0, length);
      if (part.endsWith(']')) continue; // what may be the end is one, as far as anybody knows who does not read it
      await expect(textOf(arrayItems(slices(part, [3, 9])))).rejects.toThrow(SyntaxError);
    }
  });

  it('are not those of what is no array', async () => {
    await expect(textOf(arrayItems(slices('{"status":503}', [])))).rejects.toThrow(SyntaxError);
  });
});

import { text as textOf } from 'node:stream/consumers';
import fc from 'fast-check';
import { interleave } from './interleave.js';

async function* chunksOf(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size);
}

const linesOf = (text: string) => text.split('\n').slice(0, -1).sort();

describe('interleaved texts', () => {
  it('have every line of each, whole and once, however long and however cut', async () => {
    const text = fc.array(fc.integer({ min: 0, max: 200_000 }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(text, { maxLength: 4 }),
        fc.integer({ min: 1000, max: 100_000 }),
        async (texts, size) => {
          const whole = texts.map((lengths, t) =>
            lengths.map((length, i) => `${t} ${i} ${'x'.repeat(length)}\n`).join(''),
          );
          const woven = await textOf(interleave(whole.map((each) => chunksOf(each, size))));
          expect(linesOf(woven).join() === linesOf(whole.join('')).join()).toBe(true);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('are read in turns', async () => {
    const read: string[] = [];
    const noting = async function* (name: string): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 8; i++) {
        read.push(name);
        yield Buffer.from(`${'x'.repeat(64 * 1024)}\n`);
      }
    };
    await textOf(interleave([noting('a'), noting('b')]));
    expect(read.slice(0, 8).join('')).toBe('aabbaabb');
  });

  it('fail with what one of them fails with, and are all let go of', async () => {
    let letGo = 0;
    const failure = new Error('gone');
    const endless = async function* (): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield Buffer.from(`${'x'.repeat(300_000)}\n`);
      } finally {
        letGo++;
      }
    };
    const failing = async function* (): AsyncGenerator<Uint8Array> {
      yield* chunksOf('x\n', 2);
      throw failure;
    };
    await expect(textOf(interleave([endless(), failing(), endless()]))).rejects.toBe(failure);
    expect(letGo).toBe(1); // the third was not begun
  });
});

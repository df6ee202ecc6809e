import { strict as assert } from 'node:assert';
import { binaryValue, DEFAULT_LIMITS } from '@kvs/protocol';
import type { EngineKey } from '../../engine/engine-data.js';
import { numbered, placed, set, write } from '../pairs.js';
import type { Trait } from '../trait.js';

export const largeAnswers: Trait = {
  title: 'large answers',
  tests: {
    'an answer beyond its limit is refused, for values of any kind': async ({ engine }) => {
      const text = write('text', 'v'.repeat(1000), { partition: 1 });
      const bytes = write('bytes', binaryValue(new Uint8Array(1000)), { partition: 2 });
      await engine.setMany([text, bytes]);
      for (const count of [1, 50]) {
        const asked = Array.from({ length: count }, () => [text, placed('absent'), bytes]).flat();
        const outcomes = await engine.getMany(asked, 2000 * count);
        assert.deepEqual(
          outcomes,
          asked.map((key) =>
            key === text ? outcomes[0] : key === bytes ? outcomes[2] : { status: 'absent' },
          ),
        );
        await isTooLarge(() => engine.getMany(asked, 2000 * count - 100));
      }
    },
    'a large pair among many small ones is read, as long as all are within the limit': async ({ engine }) => {
      const keys = numbered(100);
      const valueOf = (index: number): string => (index % 40 === 7 ? 'V'.repeat(50_000) : `value ${index}`);
      await engine.setMany(keys.map((key, index) => write(key, valueOf(index), { partition: index })));
      const asked = keys.map((key, index) => placed(key, index));
      const outcomes = await engine.getMany(asked, 200_000);
      assert.deepEqual(
        outcomes.map((outcome) => (outcome.status === 'found' ? outcome.value.data : outcome.status)),
        keys.map((_, index) => valueOf(index)),
      );
      await isTooLarge(() => engine.getMany(asked, 149_000));
    },
    'an answer beyond its limit is not read to its end': async ({ engine }) => {
      // All values together would have 20 GiB, too much for any test.
      await set(engine, write('key', 'v'.repeat(2 * 1024 * 1024)));
      const asked = new Array<EngineKey>(DEFAULT_LIMITS.maxBatchItems).fill(placed('key'));
      await isTooLarge(() => engine.getMany(asked, DEFAULT_LIMITS.maxAnswerBytes));
    },
    'an expired pair does not count': async ({ engine, clock }) => {
      const nowMs = clock.nowMicros() / 1000;
      await set(engine, write('key', 'v'.repeat(1000), { expiresAtMs: nowMs + 10 }));
      clock.advanceMs(10);
      const asked = new Array<EngineKey>(50).fill(placed('key'));
      assert.ok((await engine.getMany(asked, 1000)).every(({ status }) => status === 'absent'));
    },
  },
};

async function isTooLarge(read: () => unknown): Promise<void> {
  await assert.rejects(
    async () => {
      await read();
    },
    { code: 'answer_too_large' },
  );
}

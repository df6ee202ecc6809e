import { keyId, stringKey } from '@kvs/protocol';
import { ManualClock } from '../testing/manual-clock.js';
import { MemoryEngine } from './memory/memory-engine.js';
import { OpeningEngine } from './opening-engine.js';

it('every operation fails with not_ready until the engine is open', async () => {
  let open: (engine: MemoryEngine) => void = fail;
  const opening = new Promise<MemoryEngine>((resolve) => (open = resolve));
  const engine = new OpeningEngine('memory', {}, opening, fail);
  const key = { id: keyId(stringKey('k')), partition: 0 };
  expect(engine.isOpen).toBe(false);
  expect(() => engine.getMany([key])).toThrow(expect.objectContaining({ code: 'not_ready' }));
  await expect(engine.scan([0]).next()).rejects.toMatchObject({ code: 'not_ready' });
  expect(engine.scanJson).toBeUndefined();
  open(new MemoryEngine({ clock: new ManualClock() }));
  await opening;
  expect(engine.isOpen).toBe(true);
  expect(await engine.getMany([key])).toEqual([{ status: 'absent' }]);
  expect(engine.scanJson).toBeDefined();
  await engine.close();
});

it('tells why the engine cannot be opened, and closes nevertheless', async () => {
  const reasons: unknown[] = [];
  const reason = new Error('damaged');
  const engine = new OpeningEngine('memory', {}, Promise.reject(reason), (error) => reasons.push(error));
  await engine.close();
  expect(reasons).toEqual([reason]);
});

function fail(): never {
  throw new Error('must not be called');
}

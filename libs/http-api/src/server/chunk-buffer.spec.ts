import fc from 'fast-check';
import { ChunkBuffer } from './chunk-buffer.js';

it('joins chunks in their order', () => {
  const chunks = fc.array(fc.uint8Array({ minLength: 1, maxLength: 100 }).map(Buffer.from), {
    maxLength: 50,
  });
  fc.assert(
    fc.property(chunks, fc.boolean(), (parts, isLengthKnown) => {
      const whole = Buffer.concat(parts);
      const buffer = new ChunkBuffer(isLengthKnown ? whole.length : 1_000_000);
      for (const part of parts) buffer.append(part);
      expect(buffer.bytes).toEqual(whole);
      expect(Buffer.concat(parts)).toEqual(whole);
    }),
  );
});

it('keeps a single chunk without a copy', () => {
  const chunk = Buffer.from('whole');
  const buffer = new ChunkBuffer(5);
  buffer.append(chunk);
  expect(buffer.bytes.buffer).toBe(chunk.buffer);
});

it('holds one buffer of at most twice the bytes that have come', () => {
  const buffer = new ChunkBuffer(1024 ** 3);
  const chunk = Buffer.from('x');
  let mostHeld = 0;
  for (let length = 1; length <= 100_000; length++) {
    buffer.append(chunk);
    // Node allocates smaller buffers from a pool.
    if (length > 8192) mostHeld = Math.max(mostHeld, buffer.bytes.buffer.byteLength / length);
  }
  expect(mostHeld).toBeLessThanOrEqual(2);
  chunk.fill('y');
  expect(buffer.bytes.toString()).toBe('x'.repeat(100_000));
});

it('holds no more than the length of the body', () => {
  const buffer = new ChunkBuffer(100_000);
  for (let length = 0; length < 100_000; length += 1000) buffer.append(Buffer.alloc(1000));
  expect(buffer.bytes.buffer.byteLength).toBe(100_000);
});

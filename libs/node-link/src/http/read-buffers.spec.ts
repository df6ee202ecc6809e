import { ShreddingBuffers } from '../../test/shredding-buffers.js';
import { Loan } from './loan.js';
import { ReadBuffers } from './read-buffers.js';

describe('a buffer', () => {
  it('is used again when every hold on it was released, and not before', () => {
    const buffers = new ReadBuffers();
    const buffer = buffers.take();
    buffers.hold(buffer.subarray(0, 10));
    buffers.release(buffer);
    expect(buffers.take().buffer).not.toBe(buffer.buffer);
    buffers.release(buffer.subarray(3, 7));
    expect(buffers.take().buffer).toBe(buffer.buffer);
  });

  it('of another origin is let alone', () => {
    const buffers = new ShreddingBuffers();
    const other = Buffer.from('other');
    buffers.hold(other);
    buffers.release(other);
    buffers.release(other);
    expect([other.toString(), buffers.inUse]).toEqual(['other', 0]);
  });

  it('is let go of where enough are free', () => {
    const length = new ReadBuffers().take().length;
    const buffers = new ReadBuffers(2 * length);
    const taken = [buffers.take(), buffers.take(), buffers.take()];
    for (const buffer of taken) buffers.release(buffer);
    const memory = new Set(taken.map(({ buffer }) => buffer));
    expect(taken.map(() => memory.has(buffers.take().buffer))).toEqual([true, true, false]);
  });
});

describe('a loan', () => {
  it('holds each piece until it is given back, and once', () => {
    const buffers = new ShreddingBuffers();
    const buffer = buffers.take();
    const loan = new Loan(buffers);
    const [first, second] = [buffer.subarray(0, 1), buffer.subarray(1, 2)];
    loan.lend(first);
    loan.lend(second);
    buffers.release(buffer);
    loan.giveBack(first);
    loan.giveBack(first);
    expect(buffers.inUse).toBe(1);
    loan.giveBack(second);
    expect(buffers.inUse).toBe(0);
  });

  it('holds nothing of what is empty, which no reader gets', () => {
    const buffers = new ShreddingBuffers();
    const buffer = buffers.take();
    new Loan(buffers).lend(buffer.subarray(5, 5));
    buffers.release(buffer);
    expect(buffers.inUse).toBe(0);
  });

  it('holds nothing after its end', () => {
    const buffers = new ShreddingBuffers();
    const buffer = buffers.take();
    const loan = new Loan(buffers);
    loan.lend(buffer.subarray(0, 5));
    loan.end();
    loan.lend(buffer.subarray(5, 9));
    buffers.release(buffer);
    expect(buffers.inUse).toBe(0);
  });
});

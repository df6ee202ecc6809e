import { variedBytes } from '../../../../test/varied-values.js';
import { MemoryBudget } from '../memory-budget.js';
import { ChunkCursor } from './chunk-cursor.js';
import { ChunkChain } from './chunk-chain.js';
import { MAX_SLOT_BYTES } from './size-classes.js';
import { SlabArena } from './slab-arena.js';
import { slotsFor } from './chunk-layout.js';

const PAGE_COST = SlabArena.cost({ full: 1, tailBytes: 0 });

describe('an arena', () => {
  it('has room for just the slots that can be allocated one after the other', () => {
    const { arena } = open(10 * PAGE_COST);
    const small = Array.from({ length: 11 }, () => arena.allocate(MAX_SLOT_BYTES));
    expect(arena.hasRoomFor({ full: 69, tailBytes: 0 })).toBe(true);
    expect(arena.hasRoomFor({ full: 70, tailBytes: 0 })).toBe(false);
    expect(arena.hasRoomFor({ full: 61, tailBytes: 100 })).toBe(true);
    expect(arena.hasRoomFor({ full: 62, tailBytes: 100 })).toBe(false);
    for (const ref of small) arena.free(ref);
    expect(arena.hasRoomFor({ full: 80, tailBytes: 0 })).toBe(true);
    expect(arena.hasRoomFor({ full: 81, tailBytes: 0 })).toBe(false);
    const all = Array.from({ length: 81 }, () => arena.allocate(MAX_SLOT_BYTES));
    expect(all.indexOf(0)).toBe(80);
  });

  it('reuses the memory of freed pages before it allocates more', () => {
    const { arena, budget } = open(100 * PAGE_COST);
    const buffers = (refs: readonly number[]) => new Set(refs.map((ref) => arena.page(ref).bytes.buffer));
    const before = Array.from({ length: 400 }, () => arena.allocate(MAX_SLOT_BYTES));
    const held = buffers(before);
    for (const ref of before) arena.free(ref);
    arena.tidy();
    expect(budget.usedBytes).toBeLessThanOrEqual(4 * PAGE_COST);
    const after = Array.from({ length: 600 }, () => arena.allocate(1000)).concat(
      Array.from({ length: 300 }, () => arena.allocate(MAX_SLOT_BYTES)),
    );
    expect(new Set([...held, ...buffers(after)]).size).toBe(held.size);
    expect(new Set(after.map((ref) => arena.page(ref).number)).size).toBe(buffers(after).size);
  });
});

describe('the chunks of a record', () => {
  it('can be read and skipped in parts of any length', () => {
    const { arena, chunks } = open(100 * PAGE_COST);
    const size = 100_000;
    const bytes = variedBytes(size);
    const head = laid(arena, chunks, size);
    const into = new ChunkCursor(arena, chunks, head, 0);
    for (let at = 0; at < size; at += 777) {
      const part = bytes.subarray(at, at + 777);
      into.write(part, part.length);
    }
    for (const skipped of [0, 1, 8187, 8188, 8189, 50_000, size - 1]) {
      const from = new ChunkCursor(arena, chunks, head, 0);
      from.skip(skipped);
      const rest = Buffer.alloc(size - skipped);
      for (let at = 0; at < rest.length; at += 999) from.read(rest, at, Math.min(rest.length, at + 999));
      expect(rest.equals(bytes.subarray(skipped))).toBe(true);
    }
  });

  it('stay in place, as far as they are needed, when chunks are added or removed', () => {
    const { arena, chunks } = open(1000 * PAGE_COST);
    const head = laid(arena, chunks, 100_000);
    const bytes = variedBytes(100_000);
    new ChunkCursor(arena, chunks, head, 0).write(bytes, bytes.length);
    chunks.resize(head, chunks.next(head), slotsFor(400_000));
    expect(bytesOf(arena, chunks, head, 98_000).equals(bytes.subarray(0, 98_000))).toBe(true);
    expect(chunks.slotsOf(head).full).toBe(slotsFor(400_000).full);
    chunks.truncate(head, 50_000);
    expect(bytesOf(arena, chunks, head, 50_000).equals(bytes.subarray(0, 50_000))).toBe(true);
    expect(chunks.slotsOf(head)).toEqual({ full: 7, tailBytes: 0 });
    chunks.resize(head, chunks.next(head), slotsFor(9000));
    expect(bytesOf(arena, chunks, head, 8000).equals(bytes.subarray(0, 8000))).toBe(true);
  });
});

function open(maxBytes: number) {
  const budget = new MemoryBudget(maxBytes);
  const arena = new SlabArena(budget, () => undefined);
  return { budget, arena, chunks: new ChunkChain(arena) };
}

/** A head with the chunks for `size` bytes. */
function laid(arena: SlabArena, chunks: ChunkChain, size: number): number {
  const head = arena.allocate(MAX_SLOT_BYTES);
  chunks.resize(head, 0, slotsFor(size));
  return head;
}

function bytesOf(arena: SlabArena, chunks: ChunkChain, head: number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  new ChunkCursor(arena, chunks, head, 0).read(bytes, 0, size);
  return bytes;
}

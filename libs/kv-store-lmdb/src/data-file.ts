import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { codeOf } from '@kvs/protocol';

// The fields of the file that are read here: offset, and size in bytes. Numbers are little-endian. See `MDB_page_header`, `MDB_meta`,
// `MDB_db`, `MDB_node` and `MDB_ovpage` in mdb.c of the package `lmdb`.
//
//   page          0 its number (8) · 18 flags (2) · 20 bytes of the offsets (2) · 24 offset of each node, counted from here (2 each)
//   meta page    24 magic (4) · 48 tree of free pages · 96 tree of tables · 144 last page (8) · 152 transaction (8)
//   tree          0 page size, in the tree of free pages only (4) · 6 depth (2) · 24 pages of large values (8) · 40 root page (8)
//   branch node   0 page (6)
//   leaf node     4 flags (2) · 6 bytes of the key (2) · 8 key, then data: a value, a tree if it is a table, or a large value
//   large value   0 first page (8) · 16 count of pages (8)

/**
 * Returns why LMDB must not open a data file; undefined if it may, or if there is none. LMDB maps the file unchecked: a read of a file of
 * another kind, or of a page after the end of the file, would end the process.
 */
export async function dataFileProblem(path: string): Promise<string | undefined> {
  if (!existsSync(path)) return undefined;
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    if (size === 0) return undefined; // killed before its first page
    const first = readMeta(file, 0);
    const second = first && readMeta(file, first.pageBytes);
    if (!first || !second) return 'its head is not that of an LMDB file';
    const newest = second.transaction > first.transaction ? second : first;
    return size < newest.pageCount * newest.pageBytes ? await endProblem(file, size, newest) : undefined;
  } finally {
    closeSync(file);
  }
}

/** One of the two meta pages at the start of the file, of which the newer counts. */
interface Meta {
  readonly pageBytes: number;
  readonly transaction: bigint;
  /** How many pages LMDB has given out. */
  readonly pageCount: number;
  readonly trees: readonly Reference[];
}

/** Returns undefined if the page is invalid. */
function readMeta(file: number, position: number): Meta | undefined {
  const page = Buffer.alloc(160);
  if (readSync(file, page, 0, page.length, position) < page.length) return undefined;
  if (page.readUInt32LE(24) !== LMDB_MAGIC) return undefined;
  const pageBytes = page.readUInt32LE(FREE_TREE);
  if (pageBytes < 512 || pageBytes > 65_536) return undefined;
  return {
    pageBytes,
    transaction: page.readBigUInt64LE(152),
    pageCount: readNumber(page, 144) + 1,
    trees: [...treeAt(page, FREE_TREE, 'values'), ...treeAt(page, MAIN_TREE, 'tables')],
  };
}

/** Pages in a row that a tree uses. */
interface Reference {
  readonly page: number;
  readonly count: number;
  /** On how many levels, from this page down, pages refer to others. */
  readonly levels: number;
}

/**
 * Returns the problem of a file that ends before the last page that LMDB has given out; undefined if the file has all pages in use. LMDB
 * never writes a page that was freed in the transaction that took it, so an intact file can be short. Reads the pages that refer to others:
 * up to a second for each gigabyte. Lets the event loop turn, because the lock of the directory must be renewed.
 */
async function endProblem(
  file: number,
  fileBytes: number,
  { pageBytes, trees }: Meta,
): Promise<string | undefined> {
  const pageCount = Math.floor(fileBytes / pageBytes);
  const page = Buffer.alloc(pageBytes);
  const waiting = [...trees];
  for (let looked = 1; ; looked++) {
    const next = waiting.pop();
    if (next === undefined) return undefined;
    if (next.page + next.count > pageCount) return 'its end is missing';
    if (next.levels > 0) {
      readSync(file, page, 0, pageBytes, next.page * pageBytes);
      const references = readNumber(page, 0) === next.page ? referencesOf(page, next.levels) : undefined;
      // An intact tree has each page once.
      if (references === undefined || looked > pageCount) return `its page ${next.page} is damaged`;
      waiting.push(...references);
    }
    if (looked % PAGES_PER_TURN === 0) await turn();
  }
}

/** Returns undefined for a page that has an offset after its end. */
function referencesOf(page: Buffer, levels: number): Reference[] | undefined {
  try {
    return readReferences(page, levels);
  } catch (error) {
    if (codeOf(error) === 'ERR_OUT_OF_RANGE') return undefined;
    throw error;
  }
}

function readReferences(page: Buffer, levels: number): Reference[] {
  const isBranch = (page.readUInt16LE(18) & BRANCH) !== 0;
  const nodeCount = page.readUInt16LE(20) / 2;
  const references: Reference[] = [];
  for (let index = 0; index < nodeCount; index++) {
    const node = HEADER_BYTES + page.readUInt16LE(HEADER_BYTES + 2 * index);
    if (isBranch) {
      references.push({ page: page.readUIntLE(node, 6), count: 1, levels: levels - 1 });
      continue;
    }
    const flags = page.readUInt16LE(node + 4);
    const data = node + 8 + page.readUInt16LE(node + 6);
    if ((flags & LARGE_VALUE) !== 0)
      references.push({ page: readNumber(page, data), count: readNumber(page, data + 16), levels: 0 });
    else if ((flags & TABLE) !== 0) references.push(...treeAt(page, data, 'values'));
  }
  return references;
}

/** Returns the root of a tree whose description is at an offset; nothing if the tree is empty. */
function treeAt(page: Buffer, offset: number, content: 'tables' | 'values'): Reference[] {
  const depth = page.readUInt16LE(offset + 6);
  if (depth === 0) return [];
  const largeValuePages = readNumber(page, offset + 24);
  const levels = content === 'tables' || largeValuePages > 0 ? depth : depth - 1;
  return [{ page: readNumber(page, offset + 40), count: 1, levels }];
}

function readNumber(page: Buffer, offset: number): number {
  return Number(page.readBigUInt64LE(offset));
}

const LMDB_MAGIC = 0xbeefc0de;
const FREE_TREE = 48;
const MAIN_TREE = 96;
const HEADER_BYTES = 24;
const BRANCH = 0x01;
const LARGE_VALUE = 0x01;
const TABLE = 0x02;

const PAGES_PER_TURN = 16;

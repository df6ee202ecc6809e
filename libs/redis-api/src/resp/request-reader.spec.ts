import { jest } from '@jest/globals';
import fc from 'fast-check';
import { ProtocolError } from './protocol-error.js';
import { RequestReader, type RequestLimits } from './request-reader.js';

const LIMITS: RequestLimits = { maxArguments: 8, maxArgumentBytes: 100, maxRequestBytes: 10_000 };

/** Reads all requests of some chunks. An error ends the list. */
function readAll(chunks: readonly Buffer[], limits = LIMITS): string[] {
  const reader = new RequestReader(limits);
  const found: string[] = [];
  try {
    for (const chunk of chunks) {
      reader.push(chunk);
      for (let request = reader.next(); request; request = reader.next())
        found.push([request.name, ...request.args.map((arg) => arg.toString('latin1'))].join('|'));
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    found.push(`! ${error.message}`);
  }
  return found;
}

function read(text: string, limits = LIMITS): string[] {
  return readAll([Buffer.from(text, 'latin1')], limits);
}

function encode(words: readonly Uint8Array[]): Buffer {
  const parts = words.flatMap((word) => [Buffer.from(`$${word.length}\r\n`), word, Buffer.from('\r\n')]);
  return Buffer.concat([Buffer.from(`*${words.length}\r\n`), ...parts]);
}

/** Cuts bytes at the given places, each a fraction of the length. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...places.map((place) => Math.floor(place * bytes.length)), bytes.length].sort(
    (a, b) => a - b,
  );
  return ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end));
}

const places = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 });

describe('requests', () => {
  it('reads pipelined arrays of bulk strings', () => {
    expect(read('*1\r\n$4\r\nPING\r\n*3\r\n$3\r\nset\r\n$1\r\nk\r\n$0\r\n\r\n')).toEqual(['PING', 'set|k|']);
  });

  it('keeps the order, however many requests wait when the next bytes come', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(3), { minLength: 1 }), fc.integer({ min: 1, max: 9 }), (counts, size) => {
        const names = counts.map((_, i) => `name${i}`);
        const bytes = Buffer.from(names.map((name) => `${name}\n`).join(''));
        const reader = new RequestReader(LIMITS);
        const found: (string | undefined)[] = [];
        for (let at = 0; at < bytes.length; at += size) {
          reader.push(bytes.subarray(at, at + size));
          for (let left = counts[at % counts.length] ?? 0; left > 0; left--) found.push(reader.next()?.name);
        }
        for (let request = reader.next(); request; request = reader.next()) found.push(request.name);
        expect(found.filter((name) => name !== undefined)).toEqual(names);
      }),
    );
  });

  it('skips empty arrays and empty lines', () => {
    expect(read('*0\r\n\r\n*-1\r\n   \r\n*1\r\n$4\r\nPING\r\n')).toEqual(['PING']);
  });

  it('reads lines with quotes and escapes', () => {
    expect(read('set a "x y\\n\\x41\\xzz\\"" \'it\\\'s\'\r\nping\n')).toEqual([
      'set|a|x y\nAxzz"|it\'s',
      'ping',
    ]);
  });

  it('keeps bytes that are not UTF-8', () => {
    expect(read('*2\r\n$3\r\nGET\r\n$2\r\n\xff\x00\r\n')).toEqual(['GET|\xff\x00']);
  });

  it('tells names of the same length apart', () => {
    const names = ['GET', 'get', 'G\xc3\x89', 'G\xc3\x88', 'GET', 'GET', 'DEL'];
    expect(read(names.map((name) => `*1\r\n$3\r\n${name}\r\n`).join(''))).toEqual([
      'GET',
      'get',
      'GÉ',
      'GÈ',
      'GET',
      'GET',
      'DEL',
    ]);
  });

  it('gives the same requests for any cut of the bytes', () => {
    const word = fc.uint8Array({ maxLength: 100 });
    const requests = fc.array(fc.array(word, { minLength: 1, maxLength: 8 }), { maxLength: 8 });
    fc.assert(
      fc.property(requests, places, (requests, places) => {
        const bytes = Buffer.concat(requests.map(encode));
        const whole = readAll([bytes]);
        expect(whole).toHaveLength(requests.length);
        expect(readAll(cut(bytes, places))).toEqual(whole);
        expect(readAll(Array.from(bytes, (byte) => Buffer.of(byte)))).toEqual(whole);
      }),
    );
  });

  it('gives the same requests and the same error for any cut of bytes that are nearly right', () => {
    const token = fc.constantFrom(
      '*',
      '$',
      '-',
      '0',
      '1',
      '2',
      '9',
      '\r\n',
      '\r',
      '\n',
      'ping',
      '"',
      "'",
      '\\x',
      ' ',
    );
    fc.assert(
      fc.property(fc.array(token, { maxLength: 40 }), places, (tokens, places) => {
        const bytes = Buffer.from(tokens.join(''));
        expect(readAll(cut(bytes, places))).toEqual(readAll([bytes]));
      }),
      { numRuns: 2000 },
    );
  });

  it('reads requests or finds one protocol error in random bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 20 }), (chunks) => {
        const found = readAll(chunks.map((chunk) => Buffer.from(chunk)));
        expect(found.slice(0, -1).filter((line) => line.startsWith('! '))).toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('limits', () => {
  it.each([
    ['*9\r\n', 'invalid multibulk length'],
    ['*99999999999', 'invalid multibulk length'],
    ['*x\r\n', 'invalid multibulk length'],
    ['*1\n', 'invalid multibulk length'],
    ['*1\r\n$101\r\n', 'invalid bulk length'],
    ['*1\r\n$-1\r\n', 'invalid bulk length'],
    ['*1\r\n$\r\n', 'invalid bulk length'],
    ['*1\r\n:1\r\n', "expected '$', got ':'"],
    ['*1\r\n\x00', "expected '$', got '?'"],
    ['*1\r\n$1\r\nabc', 'expected a line break after a bulk string'],
    ['*1\r\n$1\r\na\rb', 'expected a line break after a bulk string'],
    ['*1\r\n$1\r\nab\n', 'expected a line break after a bulk string'],
    ['get "a\r\n', 'unbalanced quotes in request'],
    ['get "a"b\r\n', 'unbalanced quotes in request'],
    ['get "a"b\n', 'unbalanced quotes in request'],
    [`exists${' k'.repeat(8)}\r\n`, 'too big inline request'],
    [`get ${'k'.repeat(101)}\r\n`, 'invalid bulk length'],
  ])('%j is refused: %s', (text, message) => {
    expect(read(text)).toEqual([`! ${message}`]);
  });

  it('refuses a line of more than 64 KiB, whether or not it ends', () => {
    const line = 'x'.repeat(64 * 1024 + 1);
    expect(read(line)).toEqual(['! too big inline request']);
    expect(read(`${line}\n`)).toEqual(['! too big inline request']);
  });

  it('reads a line of one-byte chunks in linear time', () => {
    const concat = jest.spyOn(Buffer, 'concat');
    const line = 'x'.repeat(16 * 1024);
    try {
      const chunks = Array.from(`ping ${line}\r\n`, (byte) => Buffer.from(byte));
      const limits = { ...LIMITS, maxArgumentBytes: line.length, maxRequestBytes: 2 * line.length };
      expect(readAll(chunks, limits)).toEqual([`ping|${line}`]);
      const copied = concat.mock.results.map(({ value }) => (Buffer.isBuffer(value) ? value.length : 0));
      expect(copied.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(1024 * line.length);
    } finally {
      concat.mockRestore();
    }
  });

  it('refuses a request whose arguments are too large together', () => {
    expect(
      read('*3\r\n$3\r\nDEL\r\n$90\r\n' + 'a'.repeat(90) + '\r\n$90\r\n', {
        ...LIMITS,
        maxRequestBytes: 300,
      }),
    ).toEqual(['! too big request']);
  });

  it('applies to each request by itself, however many there are', () => {
    const request = encode(['SET', 'k', 'v'.repeat(100)].map((word) => Buffer.from(word)));
    const found = readAll([Buffer.concat(Array<Buffer>(100).fill(request))], {
      ...LIMITS,
      maxRequestBytes: 500,
    });
    expect(new Set(found)).toEqual(new Set([`SET|k|${'v'.repeat(100)}`]));
  });

  it('holds arguments that were read and bytes that were not, and nothing after it was cleared', () => {
    const reader = new RequestReader(LIMITS);
    for (const text of ['*3\r\n$3\r\nSET\r\n$1\r\nk\r\n', '$100\r\na', 'b'.repeat(50)]) {
      reader.push(Buffer.from(text));
      expect(reader.next()).toBeUndefined();
    }
    expect(reader.heldBytes).toBeGreaterThan(2 * 128 + 50);
    reader.clear();
    expect(reader.heldBytes).toBe(0);
  });

  it('holds only what has arrived, however much is announced', () => {
    const reader = new RequestReader({ ...LIMITS, maxArgumentBytes: 1e9, maxRequestBytes: 2e9 });
    reader.push(Buffer.from('*2\r\n$3\r\nGET\r\n$999999999\r\nabc'));
    expect(reader.next()).toBeUndefined();
    expect(reader.heldBytes).toBeLessThan(1000);
  });

  it('retains no small chunks', () => {
    const reader = new RequestReader(LIMITS);
    reader.push(Buffer.from('*2\r\n$3\r\nGET\r\n$100\r\n'));
    const chunks = Array.from({ length: 100 }, () => Buffer.from('a'));
    for (const chunk of chunks) {
      reader.push(chunk);
      expect(reader.next()).toBeUndefined();
    }
    // Only the first one is read from where it is.
    for (const chunk of chunks.slice(1)) chunk.fill('z');
    reader.push(Buffer.from('\r\n'));
    expect(reader.next()?.args.map(String)).toEqual(['a'.repeat(100)]);
  });

  it('retains no large chunk for the small end of it', () => {
    const reader = new RequestReader(LIMITS);
    const chunk = Buffer.alloc(64 * 1024, '\r\n');
    chunk.write('*3\r\n$3\r\nGET\r\n$1\r\nk\r\n$5\r\nab', chunk.length - 26);
    for (let round = 0; round < 2; round++) {
      const copy = Buffer.from(chunk);
      reader.push(copy);
      expect(reader.next()).toBeUndefined();
      copy.fill('z');
      reader.push(Buffer.from('cde\r\n'));
      expect(reader.next()?.args.map(String)).toEqual(['k', 'abcde']);
    }
  });
});

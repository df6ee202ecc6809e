import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { scratchDirectory } from '../test/scratch-directory.js';

/** In the shell's units, of 512 or 1,024 bytes. */
const FILE_LIMIT = 8192;

// A limit on the size of files stands in for a disk that is full: both refuse the write that would make the file
// larger, and nobody needs a disk of his own.
it('on a full disk, writes are refused one by one, nothing is lost, and reads continue', () => {
  const scratch = scratchDirectory();
  try {
    const script = join(import.meta.dirname, '../test/fill.mjs');
    const command = `ulimit -f ${FILE_LIMIT}; exec "$0" "$1" "$2"`;
    const output = execFileSync('sh', ['-c', command, process.execPath, script, scratch.path], {
      encoding: 'utf8',
    });
    const { held, ...result } = JSON.parse(output) as { held: number };
    expect(held).toBeGreaterThan(20);
    expect(result).toEqual({
      isWhole: true,
      statuses: ['out_of_memory', 'written'],
      large: 'out_of_memory',
      removed: ['deleted'],
      afterwards: 'written',
    });
  } finally {
    scratch.remove();
  }
});

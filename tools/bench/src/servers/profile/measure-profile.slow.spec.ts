import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brief, tiny } from '../testing/tiny.js';
import { measureProfile } from './measure-profile.js';

it('writes a profile of each process for each kind of request, and lists functions', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'kvs-bench-profile-'));
  try {
    const options = { scale: tiny, generator: brief, progress: () => undefined };
    const { tables } = await measureProfile(options, directory);
    const files = await readdir(directory);
    expect(files).toHaveLength(18);
    for (const name of files)
      expect(name).toMatch(/^(set|query|fetch)-(1|100)-(proxy|node-[12])\.cpuprofile$/);
    expect(tables).toHaveLength(12);
    for (const { rows } of tables) expect(rows.length).toBeGreaterThan(0);
  } finally {
    await rm(directory, { recursive: true });
  }
});

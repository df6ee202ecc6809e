import { mkdirSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { join } from 'node:path';

/**
 * Imported by a server before its own code: SIGUSR2 starts a profile of the CPU, the next one ends and writes it. Each
 * is announced by a line on stdout.
 */

const directory = process.env['KVS_BENCH_PROFILE_DIRECTORY'] ?? '.';
const session = new Session();
let isProfiling = false;
let count = 0;

session.connect();
process.on('SIGUSR2', () => void toggle());

async function toggle(): Promise<void> {
  isProfiling = !isProfiling;
  if (isProfiling) {
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: SAMPLING_MICROSECONDS });
    await session.post('Profiler.start');
    process.stdout.write('profile: started\n');
    return;
  }
  const { profile } = await session.post('Profiler.stop');
  const file = join(directory, `${process.pid}-${++count}.cpuprofile`);
  mkdirSync(directory, { recursive: true });
  writeFileSync(file, JSON.stringify(profile));
  process.stdout.write(`profile: ${process.pid} ${file}\n`);
}

const SAMPLING_MICROSECONDS = 500;

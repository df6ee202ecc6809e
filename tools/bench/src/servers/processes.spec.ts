import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { childrenOf, cpuNanoseconds, forgetPeak, peakResidentBytes, residentBytes } from './processes.js';

const isTold = existsSync('/proc/self/status');
const NO_PROCESS = 2 ** 30;

it('says that it does not know of a process that is not there', () => {
  expect(cpuNanoseconds(NO_PROCESS)).toBeNaN();
  expect(residentBytes(NO_PROCESS)).toBeNaN();
  expect(childrenOf(NO_PROCESS)).toEqual([]);
  expect(() => forgetPeak(NO_PROCESS)).not.toThrow();
});

if (isTold) {
  it('tells CPU time that grows with work, and memory that has a peak', () => {
    const before = cpuNanoseconds(process.pid);
    let sum = 0;
    do {
      for (let at = 0; at < 1e6; at++) sum += at;
    } while (cpuNanoseconds(process.pid) === before);
    expect(cpuNanoseconds(process.pid)).toBeGreaterThan(before);
    expect(sum).toBeGreaterThan(0);
    expect(residentBytes(process.pid)).toBeGreaterThan(2 ** 20);
    expect(peakResidentBytes(process.pid)).toBeGreaterThan(2 ** 20);
  });

  it('tells the children of a process for as long as they are there', async () => {
    const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    await once(child, 'spawn');
    expect(childrenOf(process.pid)).toContain(child.pid);
    child.stdin.end();
    await once(child, 'exit');
    expect(childrenOf(process.pid)).not.toContain(child.pid);
  });
} else {
  it.skip('CPU time, memory and children are not read, for there is no /proc here', () => undefined);
}

import { existsSync } from 'node:fs';
import { cpuNanoseconds, forgetPeak, peakResidentBytes, residentBytes } from './processes.js';

const isTold = existsSync('/proc/self/status');
const NO_PROCESS = 2 ** 30;

it('returns NaN for a process that does not exist', () => {
  expect(cpuNanoseconds(NO_PROCESS)).toBeNaN();
  expect(residentBytes(NO_PROCESS)).toBeNaN();
  expect(() => forgetPeak(NO_PROCESS)).not.toThrow();
});

if (isTold) {
  it('returns CPU time that grows with work, and memory with a peak', () => {
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
} else {
  // Only Linux has /proc. CI runs on Linux.
  it.skip('CPU time and memory are not tested because there is no /proc', () => undefined);
}

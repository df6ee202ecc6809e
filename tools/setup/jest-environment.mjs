import { TestEnvironment } from 'jest-environment-node';

/**
 * Emits `testFileEnd` on `process` when the tests of a file have ended. Child processes that they have left are killed then,
 * because Jest would wait for them. A test file has a copy of `process`, which never emits `exit`.
 */
export default class FileEnvironment extends TestEnvironment {
  async teardown() {
    this.global.process.emit('testFileEnd');
    await super.teardown();
  }
}

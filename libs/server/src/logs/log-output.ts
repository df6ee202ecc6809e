import { writeSync } from 'node:fs';
import { codeOf } from '@kvs/protocol';

/** Lines beyond it are lost. */
const MAX_WAITING_LINES = 1000;

const RETRY_MS = 100;

/**
 * Writes log lines to stdout and never fails: a server must not depend on its log. A line that cannot be written is lost,
 * because the disk is full or the reader of the pipe has ended. Lines wait while the reader of a pipe is slow.
 */
export class LogOutput {
  readonly #waiting: Buffer[] = [];
  #retry: NodeJS.Timeout | undefined;

  readonly #writeSome: (bytes: Uint8Array) => number;

  /** @param writeSome writes some of the bytes and returns how many, or throws `EAGAIN` if the pipe is full */
  constructor(writeSome: (bytes: Uint8Array) => number = writeToStdout) {
    this.#writeSome = writeSome;
  }

  write(line: string): void {
    if (this.#waiting.length === MAX_WAITING_LINES) return;
    this.#waiting.push(Buffer.from(line));
    if (this.#retry === undefined) this.#flush();
  }

  #flush(): void {
    this.#retry = undefined;
    try {
      for (let line = this.#waiting[0]; line; line = this.#waiting[0]) {
        const rest = line.subarray(this.#writeSome(line));
        if (rest.length > 0) this.#waiting[0] = rest;
        else this.#waiting.shift();
      }
    } catch (error) {
      if (codeOf(error) === 'EAGAIN') this.#retry = setTimeout(() => this.#flush(), RETRY_MS).unref();
      else this.#waiting.length = 0;
    }
  }
}

/**
 * Reading `process.stdout` makes a pipe non-blocking: otherwise a reader that has stopped would stop the server too. In a worker
 * thread it is a stream without `fd`.
 */
function writeToStdout(bytes: Uint8Array): number {
  const { fd = 1 } = process.stdout;
  return writeSync(fd, bytes);
}

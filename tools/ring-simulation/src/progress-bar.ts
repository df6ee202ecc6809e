import type { WriteStream } from 'node:tty';

/** A line on a terminal that shows progress. Without a terminal it prints nothing. */
export class ProgressBar {
  #shown = '';

  readonly #stream: Pick<WriteStream, 'isTTY' | 'write'>;
  readonly #total: number;

  constructor(stream: Pick<WriteStream, 'isTTY' | 'write'>, total: number) {
    this.#stream = stream;
    this.#total = total;
  }

  update(done: number, label: string): void {
    const part = Math.min(1, done / this.#total);
    const filled = Math.round(part * WIDTH);
    const bar = '█'.repeat(filled) + '░'.repeat(WIDTH - filled);
    this.#show(`${bar} ${String(Math.floor(part * 100)).padStart(3)}% ${label}`);
  }

  clear(): void {
    this.#show('');
  }

  #show(line: string): void {
    if (!this.#stream.isTTY || line === this.#shown) return;
    this.#stream.write(`\r\x1b[K${line}`);
    this.#shown = line;
  }
}

const WIDTH = 30;

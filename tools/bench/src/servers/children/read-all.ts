import { get } from 'node:http';
import { childInput, childOutput } from '../../harness/in-child.js';

/** Reads an answer to its end, in a process of its own so that it delays no other measurement. */

export interface ReadAllOutput {
  readonly status: number;
  readonly ms: number;
  readonly bytes: number;
}

const start = performance.now();
get(childInput<string>(), (response) => {
  let bytes = 0;
  response.on('data', (chunk: Uint8Array) => (bytes += chunk.length));
  response.on('end', () => {
    const ms = performance.now() - start;
    childOutput({ status: response.statusCode ?? 0, ms, bytes } satisfies ReadAllOutput);
  });
});

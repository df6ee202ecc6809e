import { get } from 'node:http';

/** Reads an answer to its end, and prints how long that took and how many bytes it has. */

const start = performance.now();
get(process.argv[2] ?? '', (response) => {
  let bytes = 0;
  response.on('data', (chunk: Uint8Array) => (bytes += chunk.length));
  response.on('end', () => {
    const ms = performance.now() - start;
    process.stdout.write(JSON.stringify({ status: response.statusCode, ms, bytes }));
  });
});

import { until } from '@kvs/protocol/testing';
import { proxyScript, ServerProcess, storageNodeScript } from '@kvs-tools/local-cluster';
import { send } from './support/http.js';

/** Packages that a node does not need to serve pairs. A proxy needs those of {@link ROUTING}. */
const ROUTING = ['@kvs/hash-ring', '@kvs/router', '@kvs/topology'];
const LATER = [
  ...ROUTING,
  '@kvs/replication',
  '@nestjs/axios',
  '@nestjs/swagger',
  '@nestjs/terminus',
  'class-transformer',
  'class-validator',
  'multer',
  'prom-client',
];

/** A hook of Node that writes the name of each of these packages that is loaded. */
const HOOK = `
  import { writeSync } from 'node:fs';
  const packages = new Set(${JSON.stringify(LATER)});
  export function resolve(specifier, context, next) {
    if (packages.has(specifier)) writeSync(1, 'loads ' + specifier + '\\n');
    return next(specifier, context);
  }
`;
const REGISTER = `import { register } from 'node:module'; register(${JSON.stringify(moduleOf(HOOK))});`;

function moduleOf(source: string): string {
  return `data:text/javascript,${encodeURIComponent(source)}`;
}

const SERVERS = [
  { name: 'node', script: storageNodeScript, args: ['127.0.0.1', '0'], atStart: [] },
  {
    name: 'proxy',
    script: proxyScript,
    args: ['--host', '127.0.0.1', '--port', '0', '127.0.0.1:1'],
    atStart: ROUTING,
  },
];

it.each(SERVERS)('a $name loads what only some requests need for the first of them', async (tested) => {
  const { name, script, args, atStart } = tested;
  const environment = { NODE_OPTIONS: `--import ${moduleOf(REGISTER)}` };
  const server = new ServerProcess({ name, script, args, environment });
  const loaded = (): string[] => {
    const names = server.lines.flatMap((line) => /^loads (.*)/.exec(line)?.[1] ?? []);
    return [...new Set(names)].sort();
  };
  const loads = (...packages: string[]): Promise<void> =>
    until(
      () => packages.every((each) => loaded().includes(each)),
      () => `loaded are ${loaded().join(', ')}`,
    );
  try {
    const origin = await server.ready;
    expect(loaded()).toEqual(atStart);

    const refused = await send('PUT', `${origin}/set`, { body: [{ key: 1 }] });
    expect([refused.status, refused.text]).toEqual([400, expect.stringContaining('/0/key')]);
    await loads('class-validator', 'class-transformer');
    expect((await send('GET', `${origin}/health/live`)).status).toBe(200);
    await loads('@nestjs/terminus');
    expect((await send('GET', `${origin}/metrics`)).text).toContain('process_cpu_seconds_total');
    await loads('prom-client');

    expect(loaded()).not.toContain('@nestjs/swagger');
    const [document, page] = await Promise.all([
      send('GET', `${origin}/openapi.json`),
      send('GET', `${origin}/docs`),
    ]);
    expect(document.json).toHaveProperty(['paths', '/set', 'put', 'summary'], 'Write pairs');
    expect(page.text).toContain('Swagger UI');
    await loads('@nestjs/swagger');
  } finally {
    await server.stop();
  }
});

import { proxyScript, ServerProcess, storageNodeScript } from '@kvs-tools/local-cluster';
import { send } from './support/http.js';
import { until } from './support/until.js';

/** Packages that take long to load and that no server needs to serve pairs. */
const LATER = [
  '@nestjs/axios',
  '@nestjs/swagger',
  '@nestjs/terminus',
  'class-transformer',
  'class-validator',
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

it.each([
  ['node', storageNodeScript, ['127.0.0.1', '0']],
  ['proxy', proxyScript, ['--host', '127.0.0.1', '--port', '0', '127.0.0.1:1']],
])(
  'a %s loads packages that only some requests need for the first of these requests',
  async (name, script, args) => {
    const loaded = new Set<string>();
    const server = new ServerProcess({
      name,
      script,
      args,
      environment: { NODE_OPTIONS: `--import ${moduleOf(REGISTER)}` },
      onLine: (line) => {
        const loads = /^loads (.*)/.exec(line)?.[1];
        if (loads !== undefined) loaded.add(loads);
      },
    });
    const loads = (...packages: string[]): Promise<void> =>
      until(
        async () => packages.every((each) => loaded.has(each)),
        () => `loaded are ${[...loaded].join(', ')}`,
      );
    try {
      const origin = await server.ready;
      expect([...loaded]).toEqual([]);

      const refused = await send('PUT', `${origin}/set`, { body: [{ key: 1 }] });
      expect([refused.status, refused.text]).toEqual([400, expect.stringContaining('/0/key')]);
      await loads('class-validator', 'class-transformer');
      expect((await send('GET', `${origin}/health/live`)).status).toBe(200);
      await loads('@nestjs/terminus');
      expect((await send('GET', `${origin}/metrics`)).text).toContain('process_cpu_seconds_total');
      await loads('prom-client');

      expect(loaded).not.toContain('@nestjs/swagger');
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
  },
);

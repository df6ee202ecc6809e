import { gzipSync } from 'node:zlib';
import { createContext, runInContext } from 'node:vm';
import { build } from 'esbuild';
import { HashRing, JumpRing, KetamaRing, MaglevRing, RendezvousRing } from './index.js';

const nodes = ['a', { id: 'b', weight: 1, zone: 'east' }, 'ç'];
const keys = ['key', 'ключ', '\ud800', '🔑'];

describe('in a browser', () => {
  it('places keys as it does here, with nothing but the language around', async () => {
    const code = await bundle("export * from '@kvs/hash-ring'", { globalName: 'library' });
    // A fresh context has no process, no Buffer, no require, not even TextEncoder.
    const context = createContext({});
    runInContext(code, context);
    const there = runInContext(
      `JSON.stringify(
        ['HashRing', 'KetamaRing', 'RendezvousRing', 'JumpRing', 'MaglevRing']
          .map((name) => new library[name](${JSON.stringify(nodes)}))
          .map((ring) => ${JSON.stringify(keys)}.map((key) => ring.getN(key, 3).map(({ id }) => id))))`,
      context,
    );
    const here = [HashRing, KetamaRing, RendezvousRing, JumpRing, MaglevRing]
      .map((Ring) => new Ring(nodes))
      .map((ring) => keys.map((key) => ring.getN(key, 3).map(({ id }) => id)));
    expect(JSON.parse(String(there))).toEqual(here);
  });
});

describe('a bundle', () => {
  it('of the default ring is at most 4 KiB, minified and compressed', async () => {
    const code = await bundle("export { HashRing } from '@kvs/hash-ring'");
    expect(gzipSync(code).length).toBeLessThanOrEqual(4096);
  });

  it('has only the strategies that are imported', async () => {
    const sizes = await Promise.all(
      ['hash32', 'JumpRing', 'RendezvousRing', 'MaglevRing', 'KetamaRing'].map(async (name) => {
        return (await bundle(`export { ${name} } from '@kvs/hash-ring'`)).length;
      }),
    );
    const whole = (await bundle("export * from '@kvs/hash-ring'")).length;
    expect(sizes[0]).toBeLessThan(2000);
    expect(Math.max(...sizes)).toBeLessThan(whole / 3);
  });
});

/** Returns the bundle for a browser. Fails if it imports a Node built-in. */
async function bundle(contents: string, { globalName }: { globalName?: string } = {}): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: import.meta.dirname },
    conditions: ['@kvs/source'],
    platform: 'browser',
    format: globalName === undefined ? 'esm' : 'iife',
    ...(globalName === undefined ? {} : { globalName }),
    bundle: true,
    minify: true,
    write: false,
  });
  return outputFiles.map(({ text }) => text).join('');
}

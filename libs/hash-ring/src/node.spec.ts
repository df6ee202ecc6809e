import { spawnSync } from 'node:child_process';
import { HashRing } from './index.js';

it('nodes have their id and weight first, then their other properties', () => {
  const ring = new HashRing([{ zone: 'east', port: 1, id: 'a' }, { id: 'b' }]);
  expect(ring.nodes.map((node) => Object.keys(node))).toEqual([
    ['id', 'weight', 'zone', 'port'],
    ['id', 'weight'],
  ]);
});

it('nodes of one form are alike to V8, so that code which reads them stays fast', () => {
  const script = `
    const { HashRing } = await import(process.argv[1]);
    const nodes = Array.from({ length: 20 }, (_, index) => ({ id: 'node-' + index, zone: 'east', port: index }));
    const ring = new HashRing(nodes).with({ id: 'one more', zone: 'west', port: 1 }).withWeight('node-3', 2);
    console.log(ring.nodes.filter((node) => %HaveSameMap(node, ring.nodes[0])).length);`;
  const library = new URL('../dist/index.js', import.meta.url).href;
  const args = ['--allow-natives-syntax', '--input-type=module', '-e', script, library];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(stdout.trim()).toBe('21');
});

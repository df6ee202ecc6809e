import { LoopedNodes } from './looped-nodes.js';

it('a node that is a proxy is named, in the log once, until it is a storage node', () => {
  const logged: unknown[] = [];
  const loops = new LoopedNodes({ error: (_: unknown, text?: string) => void logged.push(text) });
  for (let i = 0; i < 3; i++) loops.add('a:1');
  expect(logged).toEqual(['a:1 is a proxy, not a storage node']);
  expect(loops.describe()).toContain('a:1');
  loops.delete('a:1');
  expect(loops.describe()).toBeUndefined();
});

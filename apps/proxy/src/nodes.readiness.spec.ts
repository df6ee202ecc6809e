import { NodesReadiness } from './nodes.readiness.js';

const reachable = { isReachable: () => Promise.resolve(true) };
const unreachable = { isReachable: () => Promise.resolve(false) };
const none = { describe: () => undefined };
const some = { describe: () => 'there is a proxy among the nodes' };

it('a proxy is ready if it reaches a node', async () => {
  expect(await new NodesReadiness(reachable, none, undefined).check()).toBeUndefined();
  expect(await new NodesReadiness(unreachable, none, undefined).check()).toMatch('no storage node');
});

it('a proxy with another proxy in its fixed list is not ready', async () => {
  expect(await new NodesReadiness(reachable, some, undefined).check()).toBe(some.describe());
});

it('in a cluster, the address of a node that is gone may be that of a proxy', async () => {
  expect(await new NodesReadiness(reachable, some, {}).check()).toBeUndefined();
});

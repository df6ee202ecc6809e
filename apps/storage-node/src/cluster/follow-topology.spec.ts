import { followTopology } from './follow-topology.js';

it('does not ask again at once if a proxy ends its request early', async () => {
  const end = new AbortController();
  const askedMs: number[] = [];
  const newerTopology = async () => {
    askedMs.push(performance.now());
    if (askedMs.length === 2) end.abort();
    return undefined;
  };
  await followTopology({ newerTopology }, { topology: undefined, learn: () => undefined }, end.signal);
  const [first = 0, second = 0] = askedMs;
  expect(second - first).toBeGreaterThanOrEqual(900);
});

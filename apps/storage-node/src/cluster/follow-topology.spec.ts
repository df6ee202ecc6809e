import { followTopology } from './follow-topology.js';

it('does not ask again at once if a proxy ends its request early', async () => {
  const end = new AbortController();
  const events: string[] = [];
  const newerTopology = async () => {
    if (events.push('request') > 2) end.abort();
    return undefined;
  };
  const pause = async (ms: number) => void events.push(`pause of ${ms} ms`);
  await followTopology({ newerTopology }, { topology: undefined, learn: () => undefined }, end.signal, pause);
  expect(events.slice(0, 3)).toEqual(['request', 'pause of 1000 ms', 'request']);
});

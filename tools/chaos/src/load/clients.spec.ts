import { Random } from '@kvs-tools/cluster-simulation';
import { until } from '@kvs/protocol/testing';
import { examine } from '../examine.js';
import { LyingServer, type Lie } from '../testing/lying-server.js';
import { Clients } from './clients.js';
import { History } from './history.js';
import { readAll } from './operations.js';

let server: LyingServer;
afterEach(() => server.stop());

/** Runs clients against a server until it has lied or, if it does not, has answered as often as it would have to. */
async function historyWith(lie: Lie): Promise<History> {
  server = await LyingServer.start(lie);
  const history = new History();
  const defects: string[] = [];
  const clients = new Clients({
    origins: () => [server.origin],
    history,
    random: new Random(1),
    onDefect: (text) => defects.push(text),
  });
  const isEnough = async () => (lie === 'none' ? history.count > 300 : server.lies > 5);
  await until(isEnough, () => `${history.count} operations`);
  await clients.stop();
  expect(defects).toEqual([]);
  return history;
}

it('finds nothing in the history of a server that keeps its promises', async () => {
  const history = await historyWith('none');
  expect(examine(history.byKey)).toEqual({ findings: [], undecided: 0 });
});

it.each<[Lie]>([['stale read'], ['lost write'], ['refused write that is done'], ['ignored condition']])(
  'finds that a server tells this lie: %s',
  async (lie) => {
    const history = await historyWith(lie);
    const keys = [...history.byKey.keys()];
    const operations = keys.map((key) => history.begin(key, { kind: 'read' }));
    const results = await readAll(server.origin, keys);
    for (const operation of operations) history.end(operation, results.get(operation.key));
    expect(examine(history.byKey).findings).not.toEqual([]);
  },
);

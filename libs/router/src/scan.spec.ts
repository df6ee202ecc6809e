import { NodesUnavailableError, stringKey, stringValue, type Key } from '@kvs/protocol';
import { TransportError } from './node-transport.js';
import { FakeCluster, idsIn } from './testing/fake-cluster.js';

const gone = new TransportError('unconnected', 'gone');
const all = { meta: false, partial: false };
const value = stringValue('v');

async function filled(count: number): Promise<{ cluster: FakeCluster; keys: Key[] }> {
  const cluster = new FakeCluster(count);
  const keys = Array.from({ length: 60 }, (_, i) => stringKey(`key-${i}`));
  await cluster.router.set(keys.map((key) => ({ key, value })));
  return { cluster, keys };
}

const openScans = (cluster: FakeCluster) => cluster.all().map((node) => node.openScans);

describe('a scan', () => {
  it('asks each node for the partitions that it owns', async () => {
    const { cluster } = await filled(3);
    await cluster.router.scan(all);
    expect(cluster.all().map(({ scans }) => scans)).toEqual(
      cluster.addresses.map((address) => [cluster.partitionsOf(address)]),
    );
  });

  it('of some partitions asks only the nodes that own one of them', async () => {
    const { cluster } = await filled(3);
    const [first, second] = cluster.partitionsOf('node-1:3000');
    if (first === undefined || second === undefined) throw new TypeError('a node owns nothing');
    await cluster.router.scan({ ...all, partitions: [first, second] });
    expect(cluster.all().map(({ scans }) => scans)).toEqual([[], [[first, second]], []]);
  });

  it('leaves out pairs that stand on a node which does not own them', async () => {
    const { cluster, keys } = await filled(2);
    const [stray] = cluster.keysOf('node-0:3000', true, 1);
    if (stray === undefined) throw new TypeError('no key');
    await cluster.node('node-1:3000').set([{ key: stray, value }]);
    const { lines } = await cluster.router.scan(all);
    expect(await idsIn(lines)).toEqual(keys.map(({ data }) => `s${data}`).sort());
  });

  it('passes the prefix on', async () => {
    const { cluster } = await filled(2);
    const { lines } = await cluster.router.scan({ ...all, prefix: stringValue('key-5') });
    expect(await idsIn(lines)).toHaveLength(11);
  });

  it('fails naming the nodes that are away, and closes what it opened', async () => {
    const { cluster } = await filled(4);
    cluster.node('node-1:3000').failure = gone;
    cluster.node('node-3:3000').failure = gone;
    await expect(cluster.router.scan(all)).rejects.toEqual(
      new NodesUnavailableError(['node-1:3000', 'node-3:3000']),
    );
    expect(openScans(cluster)).toEqual([0, 0, 0, 0]);
  });

  it('gives the rest when a partial answer is allowed, and says what is missing', async () => {
    const { cluster, keys } = await filled(3);
    cluster.node('node-1:3000').failure = gone;
    const { lines, missingNodes, close } = await cluster.router.scan({ ...all, partial: true });
    const reachable = keys.filter((key) => cluster.ownerOf(key) !== 'node-1:3000');
    expect([missingNodes, await idsIn(lines)]).toEqual([
      ['node-1:3000'],
      reachable.map(({ data }) => `s${data}`).sort(),
    ]);
    close();
    expect(openScans(cluster)).toEqual([0, 0, 0]);
  });

  it('gives nothing, and says so, when a partial answer is allowed and every node is away', async () => {
    const { cluster } = await filled(2);
    for (const node of cluster.all()) node.failure = gone;
    const { lines, missingNodes } = await cluster.router.scan({ ...all, partial: true });
    expect([missingNodes, await idsIn(lines)]).toEqual([cluster.addresses, []]);
  });

  it('closes what it opened when a transport has a defect', async () => {
    const { cluster } = await filled(3);
    cluster.node('node-2:3000').failure = new TypeError('a defect');
    await expect(cluster.router.scan({ ...all, partial: true })).rejects.toThrow(TypeError);
    expect(openScans(cluster)).toEqual([0, 0, 0]);
  });

  it.each([false, true])('breaks when a node breaks off, also if partial is %s', async (partial) => {
    const { cluster } = await filled(3);
    cluster.node('node-1:3000').scanFailure = new TransportError('broken', 'reset');
    const { lines, close } = await cluster.router.scan({ ...all, partial });
    await expect(idsIn(lines)).rejects.toEqual(new NodesUnavailableError(['node-1:3000']));
    close();
    expect(openScans(cluster)).toEqual([0, 0, 0]);
  });

  it('lets a defect in the middle through as it is', async () => {
    const { cluster } = await filled(2);
    cluster.node('node-0:3000').scanFailure = new TypeError('a defect');
    const { lines } = await cluster.router.scan(all);
    await expect(idsIn(lines)).rejects.toThrow(TypeError);
  });

  it('closes every stream, also those not yet begun, when its reader ends early', async () => {
    const { cluster } = await filled(3);
    const { lines, close } = await cluster.router.scan(all);
    expect(openScans(cluster)).toEqual([1, 1, 1]);
    for await (const chunk of lines) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    close();
    close();
    expect(openScans(cluster)).toEqual([0, 0, 0]);
  });
});

import { jest } from '@jest/globals';
import { keyId, stringKey } from '@kvs/protocol';
import { until } from '@kvs/protocol/testing';
import { TestCluster, type ClusterNode } from '../../test/test-cluster.js';
import { InputWaits } from './input-waits.js';

const PARTITION = 7;
const KEY = keyId(stringKey('key'));

let cluster: TestCluster;
afterEach(async () => {
  await cluster.close();
  expect(cluster.errors).toEqual([]);
});

async function startTwo(): Promise<{ first: ClusterNode; second: ClusterNode }> {
  cluster = new TestCluster(2);
  return { first: await cluster.addNode(), second: await cluster.addNode() };
}

/** Makes the first node the primary, and waits until it serves. */
async function startPartition(primary: ClusterNode, partition = PARTITION): Promise<void> {
  await cluster.change(partition, { kind: 'start', primary: primary.bootId, instead: undefined, copies: [] });
  await until(() => primary.driver.replica.isServing(partition));
}

/** Fills a copy, and waits until it is in sync. */
async function addCopy({ bootId }: ClusterNode, partition = PARTITION): Promise<void> {
  await cluster.change(partition, { kind: 'nameLearner', learner: bootId });
  await until(() => cluster.topology.partitions[partition]?.inSync.includes(bootId) === true);
}

describe('nodes with links between them', () => {
  it('a new copy gets the pairs that were there and those that follow', async () => {
    const { first, second } = await startTwo();
    await startPartition(first);
    const keys = Array.from({ length: 1000 }, (_, i) => keyId(stringKey(`key-${i}`)));
    await Promise.all(keys.map((key) => first.write(PARTITION, key, 'v'.repeat(1000))));
    await addCopy(second);
    await until(() => first.driver.replica.isServing(PARTITION));
    expect(await first.write(PARTITION, KEY, 'later')).toMatchObject(DONE);
    expect(second.read(PARTITION, KEY)).toBe('later');
    expect(keys.filter((key) => second.read(PARTITION, key)?.length !== 1000)).toEqual([]);
  });

  it('large pairs of many partitions reach a new node over one link, which does not break', async () => {
    const { first, second } = await startTwo();
    const partitions = [0, 1, 2, 3, 4, 5, 6, 7];
    await Promise.all(partitions.map((partition) => startPartition(first, partition)));
    const value = 'v'.repeat(3_000_000);
    await Promise.all(partitions.map((partition) => first.write(partition, KEY, value)));
    await Promise.all(partitions.map((partition) => addCopy(second, partition)));
    expect(first.driver.replica.takeFailures()).toEqual([]);
  });

  it('a copy takes over from a primary that is gone, with every pair that was acknowledged', async () => {
    const { first, second } = await startTwo();
    await startPartition(first);
    await addCopy(second);
    await until(() => first.driver.replica.isServing(PARTITION));
    expect(await first.write(PARTITION, KEY, 'kept')).toMatchObject(DONE);
    await first.kill();
    await until(() => second.driver.replica.isServing(PARTITION));
    expect(second.read(PARTITION, KEY)).toBe('kept');
    expect(await second.write(PARTITION, KEY, 'new')).toMatchObject(DONE);
  });

  it('a primary hands over to a copy, and both go on', async () => {
    const { first, second } = await startTwo();
    await startPartition(first);
    await addCopy(second);
    await until(() => first.driver.replica.isServing(PARTITION));
    expect(await first.write(PARTITION, KEY, 'kept')).toMatchObject(DONE);
    first.driver.replica.handOver([[PARTITION, second.bootId]]);
    await until(() => second.driver.replica.isServing(PARTITION));
    expect(second.read(PARTITION, KEY)).toBe('kept');
    expect(await first.write(PARTITION, KEY, 'wrong')).toMatchObject({ kind: 'refused', code: 'wrong_node' });
    expect(await second.write(PARTITION, KEY, 'new')).toMatchObject(DONE);
    await until(() => first.read(PARTITION, KEY) === 'new');
  });

  it('each hears of the input of the others, so that it can wait for it', async () => {
    const heard = jest.spyOn(InputWaits.prototype, 'heard');
    const { first, second } = await startTwo();
    await startPartition(first);
    await addCopy(second);
    const senders = new Set(heard.mock.calls.flat());
    heard.mockRestore();
    expect(senders).toEqual(new Set([first.bootId, second.bootId]));
  });

  it('a partition goes on after an error of its engine that is of an unknown kind', async () => {
    const { first } = await startTwo();
    await startPartition(first);
    const defect = new Error('EMFILE: too many open files');
    jest.spyOn(first.engine.replication, 'write').mockImplementationOnce(() => {
      throw defect;
    });
    expect(await first.write(PARTITION, KEY, 'perhaps')).toMatchObject({ kind: 'maybeApplied' });
    expect(await first.write(PARTITION, KEY, 'later')).toMatchObject(DONE);
    expect(cluster.errors.splice(0)).toEqual([defect]);
  });

  it('a partition goes on while no proxy answers', async () => {
    const { first, second } = await startTwo();
    await startPartition(first);
    await addCopy(second);
    await until(() => first.driver.replica.isServing(PARTITION));
    cluster.isReachable = false;
    expect(await first.write(PARTITION, KEY, 'kept')).toMatchObject(DONE);
    expect(second.read(PARTITION, KEY)).toBe('kept');
  });
});

const DONE = { kind: 'done', result: { outcomes: [{ status: 'written' }] } };

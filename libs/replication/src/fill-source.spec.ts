import type { BootId } from '@kvs/topology';
import { World, type Member } from '../test/world.js';
import type { Message } from './messages.js';
import { FILL_BYTES_IN_FLIGHT } from './settings.js';

const PARTITIONS = Array.from({ length: 12 }, (_, i) => i);
const VALUES = ['one', 'two', 'three'];

/** Notes how much of fills is on the way. */
class WatchedWorld extends World {
  readonly #sizes = new Map<string, number>();
  mostBytes = 0;
  mostChunks = 0;

  override send(from: BootId, to: BootId, message: Message): void {
    if (message.kind === 'fillChunk')
      this.#sizes.set(
        `${message.fillId} ${message.number}`,
        message.pairs.reduce((sum, { id, value }) => sum + id.length + value.data.length, 0),
      );
    if (message.kind === 'fillChunkAnswer') this.#sizes.delete(`${message.fillId} ${message.number}`);
    this.mostBytes = Math.max(
      this.mostBytes,
      [...this.#sizes.values()].reduce((sum, size) => sum + size, 0),
    );
    this.mostChunks = Math.max(this.mostChunks, this.#sizes.size);
    super.send(from, to, message);
  }

  /** Gives the partitions to the primary, and names the learner in all of them. */
  learnAll(primary: Member, learner: Member | undefined): void {
    const revision = this.topology.revision + 1;
    const entry = {
      epoch: revision,
      primary: primary.bootId,
      inSync: [primary.bootId],
      learner: learner?.bootId,
    };
    const partitions = this.topology.partitions.map((one, i) => (PARTITIONS.includes(i) ? entry : one));
    this.topology = { ...this.topology, revision, partitions };
    for (const { replica } of this.members.values()) replica.learn(this.topology);
    this.pass(600);
  }
}

/** Fills a learner in many partitions, each with some values of a size. */
function fillWith(units: number): { world: WatchedWorld; learner: Member } {
  const world = new WatchedWorld();
  const primary = world.add('a');
  const learner = world.add('b');
  world.learnAll(primary, undefined);
  const value = 'v'.repeat(units);
  for (const partition of PARTITIONS)
    for (const name of VALUES) primary.set(name, value, undefined, partition);
  world.learnAll(primary, learner);
  world.pass(1000);
  return { world, learner };
}

function hasAll({ world, engine, bootId }: Member): boolean {
  world.grant();
  return PARTITIONS.every(
    (partition) =>
      engine.entries(partition).size === VALUES.length &&
      world.topology.partitions[partition]?.inSync.includes(bootId) === true,
  );
}

it('chunks on the way to a learner have at most so many bytes, whatever the fills are', () => {
  const { world, learner } = fillWith(FILL_BYTES_IN_FLIGHT / 3 - 100);
  expect(world.mostChunks).toBe(3);
  expect(world.mostBytes).toBeLessThanOrEqual(FILL_BYTES_IN_FLIGHT);
  expect(hasAll(learner)).toBe(true);
});

it('a chunk with more bytes goes alone', () => {
  const { world, learner } = fillWith(FILL_BYTES_IN_FLIGHT + 1);
  expect(world.mostChunks).toBe(1);
  expect(hasAll(learner)).toBe(true);
});

it('small chunks do not wait for each other', () => {
  const { world, learner } = fillWith(100);
  expect(world.mostChunks).toBe(16);
  expect(hasAll(learner)).toBe(true);
});

import fc from 'fast-check';
import { scatter } from './scatter.js';

const byLetter = {
  partitionOf: (item: string) => item.charCodeAt(0),
  nodeOf: (partition: number) => String.fromCharCode(partition),
};
const rethrow = (_node: unknown, _share: unknown, _partitions: unknown, error: unknown): never => {
  throw error;
};
const echo = (outcome: string) => ({ ok: true as const, outcome });

describe('a scattered batch', () => {
  it('comes back in the order of its items, whatever the nodes and however they share it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.stringMatching(/^[a-d][0-9]$/)), async (items) => {
        const outcomes = await scatter(items, byLetter, async (_node, share) => share.map(echo), rethrow);
        expect(outcomes).toEqual(items.map(echo));
      }),
    );
  });

  it('asks each node once, with its own items and their partitions in the order of the batch', async () => {
    const asked: unknown[] = [];
    const ask = async (node: string, share: readonly string[], partitions: readonly number[]) => {
      asked.push([node, share, partitions]);
      return share.map(echo);
    };
    await scatter(['b1', 'a1', 'b2', 'b1', 'a0'], byLetter, ask, rethrow);
    expect(asked).toEqual([
      ['b', ['b1', 'b2', 'b1'], [98, 98, 98]],
      ['a', ['a1', 'a0'], [97, 97]],
    ]);
  });

  it('asks all nodes before any has answered, and takes their answers in any order', async () => {
    const answers = new Map<string, () => void>();
    const ask = async (node: string, share: readonly string[]) => {
      await new Promise<void>((resolve) => answers.set(node, resolve));
      return share.map(echo);
    };
    const batch = scatter(['a1', 'b1', 'c1'], byLetter, ask, rethrow);
    expect([...answers.keys()]).toEqual(['a', 'b', 'c']);
    for (const node of ['c', 'a', 'b']) answers.get(node)?.();
    expect(await batch).toEqual(['a1', 'b1', 'c1'].map(echo));
  });

  it('asks nobody when it is empty', async () => {
    const refuse = (): never => {
      throw new TypeError('asked');
    };
    expect(await scatter([], byLetter, refuse, rethrow)).toEqual([]);
  });

  it('is refused whole when a node does not answer item by item', async () => {
    await expect(scatter(['a1', 'a2'], byLetter, async () => [echo('a1')], rethrow)).rejects.toThrow(
      new TypeError('a node gave 1 outcomes for 2 items'),
    );
  });
});

import fc from 'fast-check';
import { scatter, type AskNode } from './scatter.js';

/** Scatters items over nodes that are named like the first letters of the items. */
const scatterByLetter = (items: readonly string[], ask: AskNode<string, string, ReturnType<typeof echo>>) =>
  scatter(
    items,
    items.map((item) => item.charCodeAt(0)),
    (partition) => String.fromCharCode(partition),
    ask,
    rethrow,
  );
const rethrow = (_node: unknown, _share: unknown, _partitions: unknown, error: unknown): never => {
  throw error;
};
const echo = (outcome: string) => ({ ok: true as const, outcome });

describe('a scattered batch', () => {
  it('comes back in the order of its items, whatever the nodes and however they share it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.stringMatching(/^[a-d][0-9]$/)), async (items) => {
        const outcomes = await scatterByLetter(items, async (_node, share) => share.map(echo));
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
    await scatterByLetter(['b1', 'a1', 'b2', 'b1', 'a0'], ask);
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
    const batch = scatterByLetter(['a1', 'b1', 'c1'], ask);
    expect([...answers.keys()]).toEqual(['a', 'b', 'c']);
    for (const node of ['c', 'a', 'b']) answers.get(node)?.();
    expect(await batch).toEqual(['a1', 'b1', 'c1'].map(echo));
  });

  it('asks nobody when it is empty', async () => {
    const refuse = (): never => {
      throw new TypeError('asked');
    };
    expect(await scatterByLetter([], refuse)).toEqual([]);
  });
});

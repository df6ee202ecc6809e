import fc from 'fast-check';
import { scatter } from './scatter.js';

const firstLetter = (item: string): string => item.charAt(0);
const echo = (outcome: string) => ({ ok: true as const, outcome });

describe('a scattered batch', () => {
  it('comes back in the order of its items, whatever the nodes and however they share it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.stringMatching(/^[a-d][0-9]$/)), async (items) => {
        const outcomes = await scatter(items, firstLetter, async (_node, share) => share.map(echo));
        expect(outcomes).toEqual(items.map(echo));
      }),
    );
  });

  it('asks each node once, with its own items in the order of the batch', async () => {
    const asked: [string, readonly string[]][] = [];
    await scatter(['b1', 'a1', 'b2', 'b1', 'a0'], firstLetter, async (node, share) => {
      asked.push([node, share]);
      return share.map(echo);
    });
    expect(asked).toEqual([
      ['b', ['b1', 'b2', 'b1']],
      ['a', ['a1', 'a0']],
    ]);
  });

  it('asks all nodes before any has answered, and takes their answers in any order', async () => {
    const answers = new Map<string, () => void>();
    const batch = scatter(['a1', 'b1', 'c1'], firstLetter, async (node, share) => {
      await new Promise<void>((resolve) => answers.set(node, resolve));
      return share.map(echo);
    });
    expect([...answers.keys()]).toEqual(['a', 'b', 'c']);
    for (const node of ['c', 'a', 'b']) answers.get(node)?.();
    expect(await batch).toEqual(['a1', 'b1', 'c1'].map(echo));
  });

  it('asks nobody when it is empty', async () => {
    const refuse = (): never => {
      throw new TypeError('asked');
    };
    expect(await scatter([], firstLetter, refuse)).toEqual([]);
  });

  it('is refused whole when a node does not answer item by item', async () => {
    await expect(scatter(['a1', 'a2'], firstLetter, async () => [echo('a1')])).rejects.toThrow(
      new TypeError('a node gave 1 outcomes for 2 items'),
    );
  });
});

import { Deadline, withResolver } from './deadline.js';
import { ReplicatedWrites } from './replicated-writes.js';
import type { Reply } from './reply.js';

const AMPLE_MS = 20_000;
const SHORT_MS = 5;

const answered: Reply = { kind: 'answered', value: 1, replicaProblem: undefined };

/** Sends one command with this name, within this time. */
async function send(writes: ReplicatedWrites, name: string, ms: number): Promise<Reply[]> {
  const deadline = new Deadline(ms);
  const replies = await writes.send([{ name, args: [] }], deadline);
  deadline.end();
  return replies;
}

describe('writes that wait for replicas', () => {
  it('send no WAIT when the time of all that were gathered is over', async () => {
    const sent: string[][] = [];
    const firstWait = withResolver<undefined>();
    const exchange = async (commands: readonly { name: string }[]): Promise<Reply[]> => {
      sent.push(commands.map(({ name }) => name));
      if (sent.length === 1) await firstWait.promise;
      return commands.map(() => answered);
    };
    const writes = new ReplicatedWrites({ exchange }, 1, AMPLE_MS);
    const first = send(writes, 'first', AMPLE_MS);
    expect(await send(writes, 'late', SHORT_MS)).toMatchObject([{ kind: 'unsent' }]);
    firstWait.resolve(undefined);
    expect(await first).toEqual([answered]);
    expect(await send(writes, 'next', AMPLE_MS)).toEqual([answered]);
    expect(sent).toEqual([
      ['first', 'WAIT'],
      ['next', 'WAIT'],
    ]);
  });

  it('have each its own replies when they were gathered', async () => {
    const exchange = async (commands: readonly { name: string }[]): Promise<Reply[]> =>
      commands.map(({ name }) => (name === 'WAIT' ? answered : { ...answered, value: name }));
    const writes = new ReplicatedWrites({ exchange }, 1, AMPLE_MS);
    const names = ['first', 'second', 'third'];
    const replies = await Promise.all(names.map((name) => send(writes, name, AMPLE_MS)));
    expect(replies).toEqual(names.map((name) => [{ ...answered, value: name }]));
  });

  it.each([
    [0, false],
    [1, false],
    [2, true],
  ])('are in doubt unless both required replicas confirm: %i of 2', async (confirmed, isKept) => {
    const exchange = async (commands: readonly { name: string }[]): Promise<Reply[]> =>
      commands.map(({ name }) => (name === 'WAIT' ? { ...answered, value: confirmed } : answered));
    const [reply] = await send(new ReplicatedWrites({ exchange }, 2, AMPLE_MS), 'write', AMPLE_MS);
    expect(reply?.kind === 'answered' && reply.replicaProblem === undefined).toBe(isKept);
  });
});

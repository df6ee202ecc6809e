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
});

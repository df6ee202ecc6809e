import { GroupCommit, type Step } from './group-commit.js';
import { PAGE_BYTES } from './environment.js';

const WRITE_BYTES = 2 * PAGE_BYTES;
const LARGE_BYTES = 10 * PAGE_BYTES;
/** Of a step that may use the reserve of the disk. */
const RESERVE = undefined;
const ALL = { bytes: Infinity, growthBytes: Infinity };

/** Commits steps together. Returns those that were committed, those that were refused with the reason, and all attempts. */
async function commit(
  sizes: readonly (number | undefined)[],
  room = ALL,
  transaction: (names: string) => void = () => undefined,
) {
  const attempts: string[] = [];
  const refused: Record<string, string> = {};
  let committed = '';
  let applied = '';
  const steps = sizes.map((roomBytes, index): Step => {
    const name = String.fromCharCode('a'.charCodeAt(0) + index);
    return {
      roomBytes,
      apply: () => void (applied += name),
      refuse: (error) => void (refused[name] = String(error)),
    };
  });
  const commits = new GroupCommit({
    assertUsable: () => undefined,
    room: () => room,
    transact: (apply) => {
      applied = '';
      apply();
      attempts.push(applied);
      transaction(applied);
      committed += applied;
    },
  });
  await Promise.all(steps.map((step) => commits.commit([step])));
  return { attempts, committed, refused };
}

const NO_ROOM = 'Error: no space left on the disk, apart from a reserve';

it('changes of one turn are committed together', async () => {
  expect(await commit([WRITE_BYTES, RESERVE, WRITE_BYTES])).toEqual({
    attempts: ['abc'],
    committed: 'abc',
    refused: {},
  });
});

it('writes without room are refused before they meet a full disk, and others of the turn are committed', async () => {
  const room = { bytes: 12 * PAGE_BYTES, growthBytes: Infinity };
  expect(await commit([LARGE_BYTES, LARGE_BYTES, WRITE_BYTES, WRITE_BYTES, RESERVE], room)).toEqual({
    attempts: ['ace'],
    committed: 'ace',
    refused: { b: NO_ROOM, d: NO_ROOM },
  });
});

it('changes that may use the reserve are committed when not even the reserve is whole', async () => {
  const room = { bytes: -PAGE_BYTES, growthBytes: 0 };
  expect(await commit([RESERVE, WRITE_BYTES, RESERVE], room)).toEqual({
    attempts: ['ac'],
    committed: 'ac',
    refused: { b: NO_ROOM },
  });
});

it('changes are refused together, and nothing is committed, if the room cannot be found out', async () => {
  let committed = 0;
  const commits = new GroupCommit({
    assertUsable: () => undefined,
    room: () => {
      throw new Error('input/output error');
    },
    transact: () => void committed++,
  });
  const step = { roomBytes: WRITE_BYTES, apply: () => undefined, refuse: () => undefined };
  const answers = await Promise.allSettled([commits.commit([step]), commits.commit([step])]);
  expect(answers).toMatchObject([
    { status: 'rejected', reason: { message: 'input/output error' } },
    { status: 'rejected', reason: { message: 'input/output error' } },
  ]);
  expect(committed).toBe(0);
});

it('a large write needs room at the end of the file, because free pages may not be in a row', async () => {
  const room = { bytes: 100 * PAGE_BYTES, growthBytes: 11 * PAGE_BYTES };
  expect(await commit([WRITE_BYTES, LARGE_BYTES, WRITE_BYTES], room)).toEqual({
    attempts: ['ac'],
    committed: 'ac',
    refused: { b: NO_ROOM },
  });
});

it('if the disk is full all the same, only changes that may use the reserve are tried again, once', async () => {
  const full = (names: string): void => {
    if (names.includes('b')) throw new Error('No space left on device');
  };
  expect(await commit([RESERVE, WRITE_BYTES, WRITE_BYTES, RESERVE], ALL, full)).toEqual({
    attempts: ['abcd', 'ad'],
    committed: 'ad',
    refused: { b: 'Error: No space left on device', c: 'Error: No space left on device' },
  });
  const always = (): void => {
    throw new Error('No space left on device');
  };
  const { attempts, refused } = await commit([WRITE_BYTES, RESERVE, RESERVE], ALL, always);
  expect([attempts, Object.keys(refused)]).toEqual([
    ['abc', 'bc'],
    ['a', 'b', 'c'],
  ]);
});

it('after any other failure, the changes that fail are found in halves', async () => {
  const broken = (names: string): void => {
    if (names.includes('c')) throw new Error('broken');
  };
  expect(await commit([WRITE_BYTES, RESERVE, WRITE_BYTES, RESERVE], ALL, broken)).toEqual({
    attempts: ['abcd', 'ab', 'cd', 'c', 'd'],
    committed: 'abd',
    refused: { c: 'Error: broken' },
  });
});

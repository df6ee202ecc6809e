import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { boot } from '@kvs/topology/testing';
import { InputWaits, MAX_TURNS } from './input-waits.js';

const [a, b] = [boot('a'), boot('b')];

describe('a wait for the input of a process', () => {
  let waits: InputWaits;
  /** The turns that have been asked for and not begun. */
  let turns: { begin: () => void; end: () => void }[];
  let over: string[];

  beforeEach(() => {
    turns = [];
    over = [];
    waits = new InputWaits((begin, end) => void turns.push({ begin, end }));
  });

  /** Runs the turns that were asked for, and lets something happen in each. */
  function turn(during: () => void = () => undefined): void {
    for (const { begin, end } of turns.splice(0)) {
      begin();
      during();
      end();
    }
  }

  it('ends with a turn in which nothing comes from the process, whatever others send', () => {
    waits.after(a, () => over.push('a'));
    waits.heard(a);
    turn(() => waits.heard(a));
    turn(() => waits.heard(a));
    expect(over).toEqual([]);
    turn(() => waits.heard(b));
    expect([over, turns]).toEqual([['a'], []]);
  });

  it('ends in the end if the process never stops sending', () => {
    waits.after(a, () => over.push('a'));
    for (let count = 1; count < MAX_TURNS; count++) turn(() => waits.heard(a));
    expect(over).toEqual([]);
    turn(() => waits.heard(a));
    expect(over).toEqual(['a']);
  });

  it('shares its turns with others for the same process, and one that begins within a turn takes a further one', () => {
    waits.after(a, () => over.push('first'));
    waits.after(a, () => over.push('second'));
    expect(turns).toHaveLength(1);
    turn(() => waits.after(a, () => over.push('third')));
    expect(over).toEqual(['first', 'second']);
    turn();
    expect([over, turns]).toEqual([['first', 'second', 'third'], []]);
  });

  it('may begin when another one has ended', () => {
    waits.after(a, () => waits.after(a, () => over.push('a')));
    turn();
    turn();
    expect(over).toEqual(['a']);
  });
});

it('input that lies in a socket is handled before a wait for it ends', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const sender = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const receiver = (await accepted).pause();
  await new Promise((resolve) => sender.write(Buffer.alloc(100_000), resolve));
  const waits = new InputWaits();
  let bytes = 0;
  receiver.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    waits.heard(a);
  });
  receiver.resume();
  await new Promise<void>((resolve) => waits.after(a, resolve));
  expect(bytes).toBe(100_000);
  sender.destroy();
  receiver.destroy();
  server.close();
});

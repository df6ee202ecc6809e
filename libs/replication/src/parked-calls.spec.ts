import { ParkedCalls } from './parked-calls.js';

let nowMs = 0;
let calls: ParkedCalls;
let events: string[];

beforeEach(() => {
  nowMs = 0;
  calls = new ParkedCalls(() => nowMs);
  events = [];
});

function park(name: string): void {
  calls.park(
    () => events.push(`${name} begins`),
    ({ code }) => events.push(`${name} is refused with ${code}`),
  );
}

it('calls begin in order, as long as they may', () => {
  for (const name of ['a', 'b', 'c']) park(name);
  calls.advance(() => events.length < 2);
  expect([events, calls.isEmpty]).toEqual([['a begins', 'b begins'], false]);
});

it('a call waits no longer because calls before it may begin now and then', () => {
  for (const name of ['a', 'b']) park(name);
  nowMs = 1000;
  calls.advance(() => events.length < 1);
  nowMs = 2000;
  park('c');
  calls.advance(() => false);
  expect([events, calls.isEmpty]).toEqual([['a begins', 'b is refused with wrong_node'], false]);
});

it('beyond 1,000 calls, further ones are refused as too many', () => {
  for (let call = 0; call < 1000; call++) park('one');
  expect(events).toEqual([]);
  park('the last');
  expect(events).toEqual(['the last is refused with overloaded']);
});

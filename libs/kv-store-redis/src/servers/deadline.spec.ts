import { ManualTime } from '@kvs/protocol/testing';
import { Deadline } from './deadline.js';

describe('a deadline', () => {
  it('is over when its time is, although a busy event loop has not run the timer', () => {
    const deadline = new Deadline(5);
    const end = performance.now() + 5;
    while (performance.now() < end);
    expect(deadline.isOver).toBe(true);
    deadline.end();
  });

  it('leaves no timer when its call has ended', () => {
    const time = new ManualTime();
    new Deadline(5, time).end();
    expect(time.waits).toEqual([]);
  });
});

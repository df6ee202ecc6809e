import { Deadline } from './deadline.js';

describe('a deadline', () => {
  it('is over when its time is, although a busy event loop has not run the timer', () => {
    const deadline = new Deadline(5);
    const end = performance.now() + 5;
    while (performance.now() < end);
    expect(deadline.isOver).toBe(true);
    deadline.end();
  });
});

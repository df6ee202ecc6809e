import { Network } from './network.js';
import { Process } from './process.js';
import { Random } from './random.js';
import { Scheduler } from './scheduler.js';

let scheduler: Scheduler;
let network: Network;
let a: Process;
let b: Process;
const seen: string[] = [];

beforeEach(() => {
  seen.length = 0;
  scheduler = new Scheduler();
  const random = new Random(1);
  network = new Network(scheduler, random);
  [a, b] = ['a', 'b'].map((name) => new Process(name, scheduler, random.fork(name))) as [Process, Process];
  a.start();
  b.start();
});

function pass(ms: number): string[] {
  scheduler.run(scheduler.nowMs + ms, () => false);
  return seen.splice(0);
}

const note = (text: string) => () => void seen.push(text);

describe('virtual time', () => {
  it('runs events by time, and those of one moment in the order in which they were planned', () => {
    const random = new Random(5);
    const delays = Array.from({ length: 500 }, () => random.below(50));
    const ran: (readonly [number, number])[] = [];
    delays.forEach((delay, i) => scheduler.after(delay, () => ran.push([delay, i])));
    scheduler.run(100, () => false);
    expect(ran).toEqual(
      delays.map((delay, i) => [delay, i] as const).sort(([x, i], [y, j]) => x - y || i - j),
    );
    expect(scheduler.nowMs).toBe(100);
    expect(scheduler.eventCount).toBe(500);
  });

  it('stops early when told to, and gives up a world that never rests', () => {
    scheduler.after(1, note('one'));
    scheduler.after(2, note('two'));
    scheduler.run(10, () => true);
    expect(seen).toEqual(['one']);
    const forever = () => scheduler.after(0, forever);
    forever();
    expect(() => scheduler.run(20, () => false, 1000)).toThrow(RangeError);
  });
});

describe('a process', () => {
  it('drops what it planned when it crashes', () => {
    a.after(10, note('before'));
    a.crash();
    a.start();
    a.after(10, note('after'));
    expect(pass(100)).toEqual(['after']);
    a.crash();
    a.receive(note('down'));
    expect(pass(100)).toEqual([]);
  });

  it.each([
    ['asItCame', ['message', 'timer', 'message 2', 'later']],
    ['timersFirst', ['timer', 'message', 'message 2', 'later']],
    ['messagesFirst', ['message', 'message 2', 'timer', 'later']],
  ] as const)('deals with what waited while it was paused, %s', (order, expected) => {
    a.pause();
    a.receive(note('message'));
    a.after(1, note('timer'));
    pass(10);
    a.receive(note('message 2'));
    expect(pass(10)).toEqual([]);
    a.resume(order);
    scheduler.after(0, () => a.receive(note('later')));
    expect(pass(1)).toEqual(expected);
  });

  it('has a clock that runs at its own rate, and does not jump when the rate changes', () => {
    for (let i = 0; i < 20; i++) {
      const before = a.nowMs();
      a.drift();
      expect(a.nowMs()).toBeCloseTo(before, 3);
      pass(1000);
      expect(a.nowMs() - before).toBeGreaterThanOrEqual(909);
      expect(a.nowMs() - before).toBeLessThanOrEqual(1091);
    }
  });

  it('may be suspended with its clock', () => {
    const before = a.nowMs();
    const wall = a.wallMs();
    a.pause({ suspended: true });
    pass(5000);
    a.resume('asItCame');
    expect(a.nowMs()).toBeCloseTo(before, 3);
    expect(a.wallMs()).toBeCloseTo(wall + 5000, 3);
    pass(1000);
    expect(a.nowMs()).toBeGreaterThan(before + 900);
  });

  it('is not suspended before it has seen that its wall clock was set back', () => {
    for (let i = 0; i < 20; i++) a.jump();
    const passedWhilePaused = () => {
      const before = a.nowMs();
      a.pause({ suspended: true });
      pass(5000);
      a.resume('asItCame');
      return a.nowMs() - before;
    };
    expect(passedWhilePaused()).toBeGreaterThan(4000);
    a.wallMs();
    expect(passedWhilePaused()).toBeCloseTo(0, 3);
  });
});

describe('a connection', () => {
  const send = (text: string) => network.connection(a, b).send(note(text));

  beforeEach(() => {
    network.connection(a, b).listen({ up: note('up'), down: note('down') });
    expect(pass(300)).toEqual(['up']);
  });

  it('keeps the order of messages, even of slow ones', () => {
    network.weather.slowMessages = 0.5;
    const texts = Array.from({ length: 100 }, (_, i) => `message ${i}`);
    texts.forEach(send);
    expect(pass(1000)).toEqual(texts);
  });

  it('loses everything when it breaks, tells its sender, and is made again', () => {
    send('lost');
    network.connection(a, b).break();
    expect(send('refused')).toBe(false);
    expect(pass(300)).toEqual(['down', 'up']);
    expect(send('arrives')).toBe(true);
    expect(pass(10)).toEqual(['arrives']);
  });

  it('is not made again while it is cut', () => {
    network.connection(a, b).cut();
    expect(pass(5000)).toEqual(['down']);
    network.connection(a, b).mend();
    expect(pass(300)).toEqual(['up']);
  });

  it('holds messages back while it stalls, and nobody notices', () => {
    network.connection(a, b).stall();
    send('one');
    expect(send('two')).toBe(true);
    expect(pass(5000)).toEqual([]);
    network.connection(a, b).flow();
    send('three');
    expect(pass(10)).toEqual(['one', 'two', 'three']);
  });

  it('is one of two: the other direction goes on', () => {
    network.connection(b, a).listen({});
    pass(300);
    network.connection(a, b).cut();
    expect(network.connection(b, a).send(note('back'))).toBe(true);
    expect(pass(100)).toContain('back');
  });

  it('breaks when a process crashes, and is made again when it is back', () => {
    b.crash();
    network.breakAll(b);
    expect(pass(5000)).toEqual(['down']);
    b.start();
    expect(pass(500)).toEqual(['up']);
  });
});

import { RestartPause } from './restart-pause.js';

it('a worker that lived for 10 seconds is replaced at once', () => {
  expect([new RestartPause().next(10_000), new RestartPause().next(9_999)]).toEqual([0, 100]);
});

it('pauses double while workers die soon after their start, up to a bound', () => {
  const pause = new RestartPause();
  const pauses = Array.from({ length: 9 }, () => pause.next(10));
  expect(pauses).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000]);
});

it('a long life makes up for the short ones before', () => {
  const pause = new RestartPause();
  for (let i = 0; i < 5; i++) pause.next(10);
  expect([pause.next(60_000), pause.next(10)]).toEqual([0, 100]);
});

import 'reflect-metadata';
import { ParseArrayPipe } from '@nestjs/common';
import { DEFAULT_LIMITS } from '@kvs/protocol';
import { BatchPipe, SET_ITEM, SetItemDto } from '@kvs/protocol/nest';
import { cpuClock } from '../../harness/clock.js';
import { compete, timesAsFast, type Contestant } from '../../harness/contest.js';
import { atLeast } from '../../harness/report.js';
import { kvsDialect } from '../contenders/dialect.js';
import { randomPairs } from '../pairs.js';
import type { ServersCase } from './case.js';

const LEAST = 20;

/** Checking the body of a large `PUT /set`, in this process: our guard beside the same rules in class-validator. */
export const validation: ServersCase = {
  name: 'validation',
  measure: async ({ scale, progress }) => {
    progress('validation…');
    const { validatedPairs, rounds, validationTurnMs } = scale;
    const { body: text = '' } = kvsDialect.request('set', randomPairs(validatedPairs));
    const body: unknown = JSON.parse(text);
    const guard = new BatchPipe(SET_ITEM, DEFAULT_LIMITS);
    const dto = new ParseArrayPipe({ items: SetItemDto, whitelist: true, forbidNonWhitelisted: true });
    const contestants: Contestant[] = [
      over('guard', () => guard.transform(body)),
      over('class-transformer and class-validator', () => dto.transform(body, { type: 'body' })),
      over('JSON.parse, for comparison', () => JSON.parse(text)),
    ];
    const results = await compete(contestants, {
      clock: cpuClock,
      rounds,
      turnMs: validationTurnMs,
      warmUpMs: 5 * validationTurnMs,
    });
    const [ours, theirs] = results;
    if (ours === undefined || theirs === undefined) throw new TypeError('a contestant is missing');
    const pairs = validatedPairs.toLocaleString('en');
    return {
      tables: [
        {
          title: `Validation of ${pairs} pairs`,
          note:
            "The parsed body of a PUT /set, by our guard and by Nest's ParseArrayPipe with the DTO that documents the " +
            'same rules. CPU time, in one process.',
          columns: [
            { title: '' },
            { title: 'a body', unit: 'ms' },
            { title: 'guard is faster', unit: 'times' },
          ],
          rows: results.map((result) => [
            result.name,
            result.median / 1e6,
            result === ours ? null : timesAsFast(ours, result),
          ]),
        },
      ],
      goals: [
        atLeast(
          `validation of ${pairs} pairs: the guard at least ${LEAST} times as fast as class-validator`,
          'times',
          timesAsFast(ours, theirs),
          LEAST,
        ),
      ],
      measurements: results,
    };
  },
};

/** Counts the items that come out, so that nothing may be left out. */
function over(name: string, check: () => unknown): Contestant {
  return {
    name,
    run: async (operations) => {
      let items = 0;
      for (let operation = 0; operation < operations; operation++) {
        const checked = check();
        const accepted: unknown = checked instanceof Promise ? await checked : checked;
        if (Array.isArray(accepted)) items += accepted.length;
      }
      return items;
    },
  };
}

#!/usr/bin/env node
import { readOptions } from './options.js';
import { scenarioOf } from './scenario.js';
import { shrink } from './shrink.js';
import { simulate } from './simulation.js';
import { Summary } from './summary.js';

const { seed, seeds, without, trace, shrink: isToShrink, untilFound } = readOptions(process.argv.slice(2));
const summary = new Summary();
for (let at = seed; at < seed + seeds; at++) {
  const run = simulate(scenarioOf(at), { without, trace });
  summary.add(run);
  for (const line of run.trace) process.stdout.write(`${line}\n`);
  for (const { kind, atMs, text } of run.findings)
    process.stdout.write(`seed ${at}: ${kind} at ${(atMs / 1000).toFixed(3)} s: ${text}\n`);
  if (run.findings.length === 0) continue;
  process.exitCode = 1;
  if (isToShrink) process.stdout.write(`${shrink(at, without)}\n`);
  if (untilFound) break;
}
process.stdout.write(`${summary.line()}\n`);

#!/usr/bin/env node
import { writeFileSync } from 'node:fs';
import { toChart } from './chart.js';
import { readOptions } from './options.js';
import { ProgressBar } from './progress-bar.js';
import { keysFor, simulate } from './simulation.js';
import { strategies } from './strategies.js';
import { toTable } from './table.js';

const { out, ...size } = readOptions(process.argv.slice(2));
const total = strategies.reduce((sum, strategy) => sum + keysFor(strategy, size), 0);
const bar = new ProgressBar(process.stderr, total);
let earlier = 0;
const outcomes = strategies.map((strategy) => {
  const outcome = simulate(strategy, size, (done) => bar.update(earlier + done, strategy.name));
  earlier += outcome.keyCount;
  return outcome;
});
bar.clear();
process.stdout.write(toTable(outcomes));
if (out !== undefined) writeFileSync(out, toChart(outcomes, size));

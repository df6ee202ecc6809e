#!/usr/bin/env node
import { exitAtStart, orExit, serve } from '@kvs/server';
import { COMMAND, readConfig } from './config.js';
import { proxy } from './proxy.js';

const { name } = COMMAND;
const config = orExit(name, () => readConfig(process.argv.slice(2)));
await serve({ ...proxy(config, (error) => exitAtStart(name, error)), workers: config.workers });

#!/usr/bin/env node
import { exitAtStart, orExit, serve } from '@kvs/server';
import { COMMAND, readConfig } from './config.js';
import { storageNode } from './storage-node.js';

const { name } = COMMAND;
const config = orExit(name, () => readConfig(process.argv.slice(2)));
await serve(storageNode(config, (error) => exitAtStart(name, error)));

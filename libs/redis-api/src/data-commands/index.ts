import type { Command } from '../command.js';
import { COUNTER_COMMANDS } from './counters.js';
import { EXPIRY_COMMANDS } from './expiry.js';
import { KEY_COMMANDS } from './keys.js';
import { SCAN_COMMANDS } from './scans.js';
import { SET_COMMANDS } from './set.js';
import { STRING_COMMANDS } from './strings.js';
import { TRANSACTION_COMMANDS } from './transactions.js';

/** All commands about pairs. */
export const DATA_COMMANDS: readonly Command[] = [
  ...SET_COMMANDS,
  ...STRING_COMMANDS,
  ...COUNTER_COMMANDS,
  ...EXPIRY_COMMANDS,
  ...KEY_COMMANDS,
  ...SCAN_COMMANDS,
  ...TRANSACTION_COMMANDS,
];

import type { Command } from '../command.js';
import { CLIENT_COMMAND } from './client.js';
import { COMMAND_COMMAND } from './command.js';
import { CONFIG_COMMAND } from './config.js';
import { HANDSHAKE_COMMANDS } from './handshake.js';
import { INFO_COMMAND } from './info.js';
import { TOOL_COMMANDS } from './tools.js';

/** The commands that are not about pairs. */
export const SERVER_COMMANDS: readonly Command[] = [
  ...HANDSHAKE_COMMANDS,
  ...TOOL_COMMANDS,
  CLIENT_COMMAND,
  COMMAND_COMMAND,
  CONFIG_COMMAND,
  INFO_COMMAND,
];

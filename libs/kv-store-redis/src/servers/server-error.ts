import type { ServerAddress } from '../redis-url.js';
import { hostOf } from './slot-ranges.js';

/** The reaction to an error of a server. */
export type ServerErrorAction =
  /** Nothing was done, and the error is temporary: send again, until the deadline. */
  | 'retry'
  /** Nothing was done, and this connection is useless: reconnect, then send again. */
  | 'reconnect'
  /** Another server has the slot for good. */
  | 'moved'
  /** Another server already has this key while the slot moves: send there, once, after ASKING. */
  | 'ask'
  /** The server does not know the script's hash: send its text. */
  | 'send-text'
  /** Nothing was done, and an operator must act: report the error at once. */
  | 'report'
  /** Report the error at once. A script that had begun may have changed something. */
  | 'failed';

const ACTIONS: Readonly<Record<string, ServerErrorAction>> = {
  MOVED: 'moved',
  ASK: 'ask',
  NOSCRIPT: 'send-text',
  // The cluster moves a slot or fails over, or the server starts or runs a long script.
  TRYAGAIN: 'retry',
  CLUSTERDOWN: 'retry',
  LOADING: 'retry',
  BUSY: 'retry',
  // The server became a replica, or lost the login. The address may lead to another server now.
  READONLY: 'reconnect',
  MASTERDOWN: 'reconnect',
  NOAUTH: 'reconnect',
  // Redis checks these before the first write of a script.
  OOM: 'report',
  MISCONF: 'report',
  NOREPLICAS: 'report',
  WRONGPASS: 'report',
  // The access list may allow the first commands of a script and forbid a later one.
  NOPERM: 'failed',
};

export interface ServerError {
  /** The first word, such as `READONLY`. */
  readonly code: string;
  readonly action: ServerErrorAction;
  /** The server's own words, without the position in our script. */
  readonly reason: string;
  /** Whether a script had begun. */
  readonly isFromScript: boolean;
  /** The server that MOVED or ASK names. */
  readonly target: ServerAddress | undefined;
}

/** @param asked the server that answered. A redirection without a host means the same host. */
export function readServerError(message: string, asked: ServerAddress): ServerError {
  const code = /^[A-Z]+/.exec(message)?.[0] ?? '';
  const [, host = '', port] = /^(?:MOVED|ASK) \d+ (\S*):(\d+)/.exec(message) ?? [];
  return {
    code,
    action: Object.hasOwn(ACTIONS, code) ? (ACTIONS[code] ?? 'failed') : 'failed',
    reason: message.replace(SCRIPT_POSITION, ''),
    isFromScript: SCRIPT_POSITION.test(message),
    target: port === undefined ? undefined : { host: hostOf(host, asked), port: Number(port) },
  };
}

/** The text that Redis 7 appends to an error in a script. */
const SCRIPT_POSITION = / script: [0-9a-f]{40}, on @user_script.*$/s;

import { Budget } from '../admission/budget.js';
import type { ServerSettings } from '../command-line/settings.js';
import { createLogger, type Logger } from '../logs/logger.js';
import type { ServerMetrics } from '../metrics/server-metrics.js';
import { drain } from './drain.js';
import { originOf, type ListenOptions } from './listen.js';
import type { Listener } from './listener.js';

/** The ports of a server, and what serves at them. */
export interface StartOptions {
  /** For the log and for messages on stderr, such as `kvs-proxy`. */
  readonly name: string;
  readonly settings: ServerSettings;
  /** Where the listener of each protocol listens, such as `{ http: { host: 'localhost', port: 8080 } }`. */
  readonly addresses: Readonly<Record<string, ListenOptions>>;
  /** Makes the server that is to be started. */
  readonly open: (parts: ServerParts) => Promise<OpenServer>;
}

/** The parts of the process that `open` gives to a server. */
export interface ServerParts {
  readonly logger: Logger;
  /** The budget that the admissions of all listeners share. */
  readonly budget: Budget;
}

/** A server that can be started. */
export interface OpenServer {
  /** One listener for each of the `addresses`. */
  readonly listeners: readonly Listener[];
  readonly metrics: ServerMetrics;
  /**
   * Called once a listener accepts connections, with its protocol and with the port that it has. Not called in a worker, which
   * shares the port of its primary process. Default: nothing.
   */
  listening?(protocol: string, bound: ListenOptions): void;
  /**
   * Called when the server is to stop, while it still serves: for example to hand its work over to other processes. Must end by
   * itself. Default: nothing.
   */
  leave?(): Promise<void>;
  /** Closes what the server holds, once nothing is in flight. If it rejects, the exit code is 1. */
  close(): Promise<void>;
}

/** A server that listens in this process. */
export interface RunningServer {
  /** Where the listener of each protocol listens, with the port that it has. */
  readonly bound: Readonly<Record<string, ListenOptions>>;
  /** Drains all listeners, for at most `shutdownTimeoutMs`, and closes the server. */
  stop(): Promise<void>;
}

/**
 * Starts a server in this process. Unlike `serve`, it neither handles signals nor ends the process.
 *
 * @throws what `open` throws, and the error of a listener that can't start; then nothing is left open
 */
export async function startServer(options: StartOptions): Promise<RunningServer> {
  const { name, settings } = options;
  const logger = await createLogger(name, settings.logLevel, settings.logFormat);
  const { server, stop } = await openServer(options, logger);
  try {
    const bound = await startListeners(server, options.addresses);
    announce(server, bound, logger);
    return { bound, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Opens a server that does not listen yet. `stop` finishes what is in flight and closes it. */
export async function openServer(
  { settings, open }: StartOptions,
  logger: Logger,
): Promise<{ readonly server: OpenServer; readonly stop: () => Promise<void> }> {
  const budget = new Budget(settings);
  const server = await open({ logger, budget });
  server.metrics.add(budget);
  const stop = async (): Promise<void> => {
    await server.leave?.();
    await drain(server.listeners, budget, settings.shutdownTimeoutMs, logger);
    await server.close();
  };
  return { server, stop };
}

/** Starts all listeners of a server, one after the other. Returns where they listen. */
export async function startListeners(
  { listeners }: OpenServer,
  addresses: StartOptions['addresses'],
): Promise<RunningServer['bound']> {
  const bound: Record<string, ListenOptions> = {};
  for (const listener of listeners) {
    const { protocol } = listener;
    const address = addresses[protocol];
    if (address === undefined) throw new TypeError(`${protocol} has no address`);
    bound[protocol] = { host: address.host, port: await listener.start(address) };
  }
  return bound;
}

/** Says where a server listens. A reader of the log may send a signal at once, so signals must be handled before. */
export function announce(server: OpenServer, bound: RunningServer['bound'], logger: Logger): void {
  for (const [protocol, at] of Object.entries(bound)) {
    logger.info(at, `listening on ${originOf(protocol, at)}`);
    server.listening?.(protocol, at);
  }
}

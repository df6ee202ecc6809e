import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';

export interface ClusterOptions {
  readonly nodes: number;
  /** The port of the proxy. */
  readonly port: number;
  /** The port of the first node. The others have the next ports. */
  readonly basePort: number;
  /** How many copies each partition has. */
  readonly copies: number;
  /** The port of the proxy for Redis clients; 0 for none, also at the nodes. */
  readonly redisPort: number;
  /** The port of the first node for Redis clients. The others have the next ports. */
  readonly redisBasePort: number;
}

/** As many as `kvs-proxy` allows. */
const MAX_COPIES = 8;

/** Reads the command line. Bad arguments end the process with one line on stderr and exit code 2. */
export function readOptions(argv: readonly string[]): ClusterOptions {
  const command = new Command('npm start --')
    .description('Runs storage nodes and a proxy on this machine until Ctrl-C.')
    .addOption(new Option('--nodes <number>', 'how many storage nodes').default(3).argParser(number(1, 64)))
    .addOption(new Option('--port <port>', "the proxy's port").default(8080).argParser(number(1, 65_535)))
    .addOption(
      new Option('--base-port <port>', "the first node's port").default(3000).argParser(number(1, 65_535)),
    )
    .addOption(
      new Option('--copies <number>', 'copies of each pair; one with one node')
        .default(2)
        .argParser(number(1, MAX_COPIES)),
    )
    .addOption(
      new Option('--redis-port <port>', 'port for Redis clients; 0 for none')
        .default(6380)
        .argParser(number(0, 65_535)),
    )
    .addOption(
      new Option('--redis-base-port <port>', "the first node's Redis port")
        .default(7000)
        .argParser(number(1, 65_535)),
    )
    .allowExcessArguments(false)
    .showSuggestionAfterError(false)
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  try {
    const options = command.parse([...argv], { from: 'user' }).opts<ClusterOptions>();
    const overlap = overlapOf(options);
    if (overlap !== undefined) command.error(`error: ${overlap}`);
    const { nodes, copies } = options;
    if (nodes > 1 && copies > nodes) command.error(`error: ${copies} copies need ${copies} nodes`);
    return { ...options, copies: Math.min(copies, nodes) };
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) process.exit(0);
    process.stderr.write(`npm start: ${error.message.replace(/^error: /, '')} (see npm start -- --help)\n`);
    process.exit(2);
  }
}

/** The ports that the servers of a cluster listen on. */
export function portsOf({ nodes, port, basePort, redisPort, redisBasePort }: ClusterOptions) {
  const portsFrom = (first: number) => Array.from({ length: nodes }, (_, i) => first + i);
  const redisNodes = redisPort === 0 ? [] : portsFrom(redisBasePort);
  return { proxy: port, nodes: portsFrom(basePort), redisProxy: redisPort, redisNodes };
}

/** Returns why the ports can't be used together; undefined if they can. */
function overlapOf(options: ClusterOptions): string | undefined {
  const { proxy, nodes, redisProxy, redisNodes } = portsOf(options);
  if (Math.max(...nodes, ...redisNodes) > 65_535) return 'there are not enough ports above the base port';
  const all = [proxy, ...nodes, ...redisNodes, ...(redisProxy === 0 ? [] : [redisProxy])];
  const twice = all.find((one, i) => all.indexOf(one) !== i);
  return twice === undefined ? undefined : `port ${twice} can't be used twice`;
}

function number(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

export { InvalidArgumentError } from 'commander';
export { Admission, type Load } from './admission/admission.js';
export { Budget, type BudgetLimits } from './admission/budget.js';
export {
  isAnyAddress,
  isHttpUrl,
  parseAddress,
  parseHost,
  parseOrigin,
  parsePort,
} from './command-line/addresses.js';
export * from './command-line/command.js';
export { canonicalHost, isLoopback } from './command-line/host-names.js';
export * from './command-line/options.js';
export * from './command-line/settings.js';
export { exitAtStart, orExit, StartError, usageError } from './command-line/start-error.js';
export { listen, originOf, type ListenOptions } from './lifecycle/listen.js';
export { MAX_CONNECTIONS, type Listener } from './lifecycle/listener.js';
export { resetConnection } from './lifecycle/reset-connection.js';
export { sendProgress } from './lifecycle/send-progress.js';
export { serve, type ServeOptions } from './lifecycle/serve.js';
export {
  startServer,
  type OpenServer,
  type RunningServer,
  type ServerParts,
  type StartOptions,
} from './lifecycle/start-server.js';
export type { Logger } from './logs/logger.js';
export { exposition, EXPOSITION_TYPE } from './metrics/exposition.js';
export {
  counter,
  gauge,
  type MetricFamily,
  type MetricSample,
  type MetricsSource,
} from './metrics/metric-family.js';
export { ServerMetrics } from './metrics/server-metrics.js';

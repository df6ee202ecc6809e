export * from './http-api.module.js';
export { RequestMetrics } from './metrics/request-metrics.js';
export { serve, type ServeOptions } from './server/serve.js';
export type { UpgradeHandler } from './server/upgrades.js';
export * from './tokens.js';

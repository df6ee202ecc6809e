export * from './http-api.module.js';
export { HTTP_OPTIONS, httpSettings, type HttpSettings } from './http-settings.js';
export { RequestMetrics } from './metrics/request-metrics.js';
export { serve, type ServeOptions } from './server/serve.js';
export type { UpgradeHandler } from './server/upgrades.js';
export * from './tokens.js';

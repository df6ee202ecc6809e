export * from './command-line.js';
export * from './http-api.module.js';
export type { Logger } from './server/logger.js';
export { serve, type ServeOptions } from './server/serve.js';
export type { UpgradeHandler } from './server/upgrades.js';
export * from './settings.js';
export { isSystemError } from './system-error.js';
export * from './tokens.js';

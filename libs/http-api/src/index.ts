export * from './command-line.js';
export * from './http-api.module.js';
export { sendJson } from './routes/reply.js';
export { createLogger, type Logger } from './server/logger.js';
export { KEEP_ALIVE_TIMEOUT_MS, serve, type ServeOptions } from './server/serve.js';
export * from './settings.js';
export { isSystemError } from './system-error.js';
export * from './tokens.js';

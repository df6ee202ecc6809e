export { describeRoutes } from './docs/describe-routes.js';
export * from './http-api.module.js';
export { HTTP_OPTIONS, httpSettings, type HttpSettings } from './http-settings.js';
export { openHttp, type HttpOptions, type OpenHttp } from './server/open-http.js';
export type { UpgradeHandler } from './server/upgrades.js';
export * from './tokens.js';
export { collectPage, type PageAnswer, type PageRequest } from './routes/page.js';
export { JSON_TYPE } from './routes/reply.js';
export { JsonBodyPipe, RawBody } from './routes/raw-body.js';

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpServer } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { DocsOptions, Handler } from './swagger.js';

/**
 * Serves `/openapi.json` and `/docs`; `/` redirects to `/docs`. Swagger is loaded and the document is made for the first request,
 * because both take long.
 */
export function serveDocs(app: NestExpressApplication, options: DocsOptions): void {
  let pages: Promise<Handler> | undefined;
  const serve: Handler = (request, response, next) => {
    pages ??= import('./swagger.js').then(({ openDocs }) => openDocs(app, options));
    pages.then((answer) => answer(request, response, next), next);
  };
  app.use('/docs', (_request: IncomingMessage, response: ServerResponse, next: () => void) => {
    response.setHeader('content-security-policy', CONTENT_SECURITY_POLICY);
    response.setHeader('x-frame-options', 'DENY');
    next();
  });
  const server: HttpServer = app.getHttpAdapter();
  for (const path of ['/openapi.json', '/docs{/*file}'])
    server.get(path, (request, response, next) => serve(request, response, (error) => next?.(error)));
  server.get('/', (_request: unknown, response: unknown) => server.redirect(response, 302, '/docs'));
}

/** Swagger UI needs its own scripts, inline styles, and images in styles. No page may frame it. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

import type { HttpServer, INestApplication } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';

/** Serves `/openapi.json` and `/docs`; `/` redirects to `/docs`. The document is made for the first request of it. */
export function serveDocs(app: INestApplication, title: string, version: string): void {
  const config = new DocumentBuilder().setTitle(title).setVersion(version).setOpenAPIVersion('3.0.3').build();
  app.use('/docs', (_request: unknown, response: ServerResponse, next: () => void) => {
    response.setHeader('content-security-policy', CONTENT_SECURITY_POLICY);
    response.setHeader('x-frame-options', 'DENY');
    next();
  });
  SwaggerModule.setup('docs', app, () => SwaggerModule.createDocument(app, config), {
    jsonDocumentUrl: 'openapi.json',
    raw: ['json'],
    // Swagger UI would send the document's address to a public validator.
    swaggerOptions: { validatorUrl: null },
  });
  const server: HttpServer = app.getHttpAdapter();
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

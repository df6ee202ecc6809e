import type { HttpServer, INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';

/** Serves `/openapi.json` and `/docs`, to which `/` leads. The document is made when it is first asked for. */
export function serveDocs(app: INestApplication, title: string, version: string): void {
  const config = new DocumentBuilder().setTitle(title).setVersion(version).setOpenAPIVersion('3.0.3').build();
  SwaggerModule.setup('docs', app, () => SwaggerModule.createDocument(app, config), {
    jsonDocumentUrl: 'openapi.json',
    raw: ['json'],
    // Swagger UI would send the document's address to a public validator.
    swaggerOptions: { validatorUrl: null },
  });
  const server: HttpServer = app.getHttpAdapter();
  server.get('/', (_request: unknown, response: unknown) => server.redirect(response, 302, '/docs'));
}

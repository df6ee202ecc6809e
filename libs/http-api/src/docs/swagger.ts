import type { IncomingMessage, ServerResponse } from 'node:http';
import { Module, type INestApplication, type LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import './api-routes.js';

export interface DocsOptions {
  readonly title: string;
  readonly version: string;
  /** Loads the module that describes the application's own routes with `describeRoutes`. */
  readonly describe?: () => Promise<unknown>;
  readonly logger: LoggerService;
}

export type Handler = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

/**
 * Returns the handler of `/openapi.json` and `/docs`, which document the routes of an application. It is an application of its own,
 * because Nest answers requests for routes that are added after its start with 404.
 */
export async function openDocs(
  documented: INestApplication,
  { title, version, describe, logger }: DocsOptions,
): Promise<Handler> {
  await describe?.();
  const config = new DocumentBuilder().setTitle(title).setVersion(version).setOpenAPIVersion('3.0.3').build();
  const app = await NestFactory.create<NestExpressApplication>(NoRoutes, new ExpressAdapter(), {
    bodyParser: false,
    logger,
    abortOnError: false,
  });
  app.disable('x-powered-by');
  app.set('etag', false);
  SwaggerModule.setup('docs', app, () => SwaggerModule.createDocument(documented, config), {
    jsonDocumentUrl: 'openapi.json',
    raw: ['json'],
    // Swagger UI would send the document's address to a public validator.
    swaggerOptions: { validatorUrl: null },
  });
  return app.getHttpAdapter().getInstance();
}

@Module({})
class NoRoutes {}

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { NestApplicationOptions } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import type { FastLane } from '../fast-lane/fast-lane.js';
import type { InFlight } from './in-flight.js';
import { startInOrder } from './request-order.js';

/**
 * Nest's Express adapter with admission in front of it, and beside Express the fast lane. Every request is admitted, waits
 * for those before it on its connection, and then goes through one of the two doors.
 */
export class TwoDoorAdapter extends ExpressAdapter {
  /** Set when the application that it leads to is there; until then, and without it, Express answers all. */
  fastLane: FastLane | undefined;

  constructor(private readonly inFlight: InFlight) {
    super();
  }

  override initHttpServer(options: NestApplicationOptions): void {
    super.initHttpServer(options);
    const server: Server = this.getHttpServer();
    server.removeAllListeners('request');
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      if (!this.inFlight.admit(request, response)) return;
      startInOrder(request, response, () => this.#dispatch(request, response));
    });
  }

  #dispatch(request: IncomingMessage, response: ServerResponse): void {
    if (this.fastLane?.take(request, response)) return;
    if (request.headers['transfer-encoding'] !== undefined) this.inFlight.countAsItComes(request, response);
    this.getInstance<ExpressHandler>()(request, response);
  }
}

type ExpressHandler = (request: IncomingMessage, response: ServerResponse) => void;

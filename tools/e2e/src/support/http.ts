import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { until } from '@kvs/protocol/testing';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON. */
  readonly json: unknown;
}

export interface Sending {
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

/** Sends a request. A body that is neither text nor bytes is sent as JSON. */
export async function send(
  method: string,
  url: string,
  { body, headers = {} }: Sending = {},
): Promise<Answer> {
  const raw = typeof body === 'string' || body instanceof Uint8Array;
  const response = await fetch(url, {
    method,
    headers: raw || body === undefined ? headers : { 'content-type': 'application/json', ...headers },
    ...(body === undefined ? undefined : { body: raw ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    get json(): unknown {
      return JSON.parse(text);
    },
  };
}

/** Sends a request and returns the answer before its body is read. */
export function open(url: string, headers: Record<string, string> = {}): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    httpRequest(url, { headers, agent: false }, resolve).on('error', reject).end();
  });
}

/** Reads a body until it ends or breaks off. */
export async function readAll(response: IncomingMessage): Promise<{ text: string; complete: boolean }> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
    return { text: Buffer.concat(chunks).toString(), complete: response.complete };
  } catch {
    return { text: Buffer.concat(chunks).toString(), complete: false };
  }
}

/** Waits until connections to an origin are refused. */
export function refused(origin: string): Promise<void> {
  const { hostname, port } = new URL(origin);
  return until(async () => !(await accepts(hostname, Number(port))));
}

/** Returns whether a server accepts connections at an origin. */
export function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(port, host)
      .once('error', () => resolve(false))
      .once('connect', () => {
        probe.destroy();
        resolve(true);
      });
  });
}

import type { HttpService } from '@nestjs/axios';

/** Returns the HTTP client. It is loaded for the first request of a proxy, because few proxies send any. */
export async function httpService(): Promise<HttpService> {
  const { HttpService } = await import('@nestjs/axios');
  return new HttpService();
}

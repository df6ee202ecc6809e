import { send } from './http.js';

/** Returns the values of a metric by their labels. */
export async function metricsOf(origin: string, name: string): Promise<Record<string, number>> {
  const { text } = await send('GET', `${origin}/metrics`);
  const samples = text.split('\n').flatMap((line) => {
    const match = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line);
    return match?.[1] === name ? [[match[2] ?? '', Number(match[3])] as const] : [];
  });
  return Object.fromEntries(samples);
}

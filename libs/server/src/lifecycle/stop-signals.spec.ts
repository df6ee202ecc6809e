import { createLogger } from '../logs/logger.js';
import { stopOnce } from './stop-signals.js';

it('a server that is asked to stop several times stops once', async () => {
  const reasons: string[] = [];
  const logger = await createLogger('test', 'silent', 'json');
  const stop = stopOnce(logger, async (reason) => void reasons.push(reason));
  stop('SIGINT');
  stop('SIGTERM');
  expect(reasons).toEqual(['SIGINT']);
});

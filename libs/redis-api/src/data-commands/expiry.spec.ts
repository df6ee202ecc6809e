import { NotedOperations } from '../testing/noted-operations.js';
import { TestRedis } from '../testing/test-redis.js';

it('EXPIRE repeats only the beginning of an option that it does not know', async () => {
  const server = await TestRedis.start({ operations: new NotedOperations() });
  try {
    const client = await server.connect();
    const replies = await client.ask('expire k 1 what', `expire k 1 ${'x'.repeat(1000)}`);
    expect(replies).toBe(`-ERR Unsupported option what\r\n-ERR Unsupported option ${'x'.repeat(128)}\r\n`);
  } finally {
    await server.close();
  }
});

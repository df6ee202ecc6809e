import { jest } from '@jest/globals';
import { NodeClient } from './node-client.js';

it('a node that does not answer in time is said to be late', async () => {
  jest.spyOn(AbortSignal, 'timeout').mockReturnValueOnce(AbortSignal.abort());
  const invitation = { proxy: 'http://localhost:1', address: 'localhost:1' };
  await expect(new NodeClient().invite(invitation)).rejects.toThrow('no answer within 1500 ms');
});

import { addressOf, hostOf } from './addresses.js';

it.each([
  ['127.0.0.1', '127.0.0.1:7000'],
  ['a.example', 'a.example:7000'],
  ['::1', '[::1]:7000'],
])('the address of the host %s is %s, and back', (host, address) => {
  expect([addressOf(host, 7000), hostOf(address)]).toEqual([address, host]);
});

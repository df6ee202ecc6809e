import { isFromProxy, PROXY_VIA } from './via.js';

it.each([
  [PROXY_VIA],
  ['1.1 balancer, 1.1 kvs-proxy'],
  ['1.1 kvs-proxy, 1.1 balancer (with a comment)'],
  ['HTTP/1.1 kvs-proxy (of the north)'],
])('%s names a proxy', (via) => {
  expect(isFromProxy(via)).toBe(true);
});

it.each([[undefined], [''], ['1.1 balancer'], ['1.1 kvs-proxy-like'], ['kvs-proxy']])(
  '%s names none',
  (via) => {
    expect(isFromProxy(via)).toBe(false);
  },
);

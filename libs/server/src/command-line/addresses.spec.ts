import { isAnyAddress, parseAddress, parseHost, parsePort } from './addresses.js';
import { canonicalHost } from './host-names.js';

describe('a port', () => {
  it.each([
    ['0', 0],
    ['80', 80],
    ['65535', 65_535],
  ])('may be %s', (text, port) => {
    expect(parsePort(text)).toBe(port);
  });

  it.each(['', '65536', '99999', '100000', '-1', '1.5', '0x50', ' 80', 'http'])('is not %j', (text) => {
    expect(() => parsePort(text)).toThrow('It must be a whole number from 0 to 65535.');
  });
});

it('an address is told in its usual spelling', () => {
  expect(parseAddress('Node:03000')).toBe('node:3000');
  expect(() => parseAddress('a b:1')).toThrow('A node is given as host:port');
});

it('only the two unspecified addresses stand for all addresses', () => {
  expect(['0.0.0.0', '::', '127.0.0.1', '::1', 'localhost'].map(isAnyAddress)).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
});

describe('a host', () => {
  it.each([
    ['LocalHost', 'localhost'],
    ['node.example.', 'node.example'],
    ['0:0:0:0:0:0:0:1', '[::1]'],
    ['[0:0:0:0:0:0:0:1]', '[::1]'],
    ['a'.repeat(256), undefined],
    ['localhost:80', undefined],
  ])('%s has one spelling: %s', (text, host) => {
    expect(canonicalHost(text)).toBe(host);
  });

  it.each([
    ['localhost', 'localhost'],
    ['node_1.example', 'node_1.example'],
    ['0.0.0.0', '0.0.0.0'],
    ['::1', '::1'],
    ['[::1]', '::1'],
    ['fe80::1%eth0', 'fe80::1%eth0'],
  ])('%s is listened on as %s', (text, host) => {
    expect(parseHost(text)).toBe(host);
  });

  it.each(['', 'localhost:3000', '[localhost]', '[::1]:3000', '[::1', 'http://localhost', 'a b'])(
    '%j is none',
    (text) => {
      expect(() => parseHost(text)).toThrow('A host is a name or an address without a port');
    },
  );
});

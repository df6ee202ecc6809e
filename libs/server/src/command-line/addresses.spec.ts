import { parseAddress, parseHost, parsePort } from './addresses.js';

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

describe('an address', () => {
  it.each([
    ['localhost:3000', 'localhost:3000'],
    ['Node_1.Example.COM:1', 'node_1.example.com:1'],
    ['127.0.0.1:65535', '127.0.0.1:65535'],
    ['[::1]:3000', '[::1]:3000'],
    ['[2001:DB8::1]:03000', '[2001:db8::1]:3000'],
    ['[0:0:0:0:0:0:0:1]:80', '[::1]:80'],
    ['127.1:80', '127.0.0.1:80'],
  ])('%s is %s', (text, address) => {
    expect(parseAddress(text)).toBe(address);
  });

  it.each([
    '',
    'localhost',
    ':3000',
    'localhost:',
    'localhost:0',
    'localhost:65536',
    '::1:3000',
    'a b:1',
    'a:1/',
    'http://a:1',
    'a:1:2',
    '[zz]:1',
    '[::::]:1',
    '999.1.1.1:1',
  ])('%j is none', (text) => {
    expect(() => parseAddress(text)).toThrow('A node is given as host:port');
  });
});

describe('a host', () => {
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

import { accessRules, refusalOf, type AccessRules } from './request-checks.js';

type Headers = Readonly<Record<string, string | readonly string[]>>;

/** A request with these headers, as Node's parser has it: of one given twice, the first counts. */
function head(headers: Headers, { method = 'POST', httpVersion = '1.1' } = {}) {
  const pairs = Object.entries(headers).flatMap(([name, values]) =>
    [values].flat().map((value) => [name, value]),
  );
  const first = Object.fromEntries(pairs.map(([name, value]) => [name?.toLowerCase(), value]).reverse());
  return { method, httpVersion, headers: first, rawHeaders: pairs.flat() };
}

const rules = (host: string, allowHosts: string[] = [], allowOrigins: string[] = []): AccessRules =>
  accessRules(
    { allowHosts, allowOrigins },
    host,
    { localhost: '127.0.0.1', desk: '127.0.1.1' }[host] ?? host,
  );

const codeFor = (headers: Headers, access: AccessRules, how?: Parameters<typeof head>[1]) =>
  refusalOf(head(headers, how), access)?.code;

describe('a server on a loopback address', () => {
  it.each([
    'localhost',
    'localhost:3000',
    'LocalHost.:80',
    'kvs.localhost',
    '127.0.0.1:8080',
    '127.8.8.8',
    '[::1]',
    '[::1]:3000',
    '[0:0:0:0:0:0:0:1]:3000',
    '[::ffff:127.0.0.1]',
  ])('serves %s', (host) => {
    expect(codeFor({ host }, rules('localhost'))).toBeUndefined();
  });

  it.each([
    'evil.example',
    'evil.example:3000',
    'localhost.evil.example',
    'notlocalhost',
    '127.0.0.1.evil.example',
    '128.0.0.1',
    '0.0.0.0',
    '[::2]',
    '[::1',
    'localhost@evil.example',
    'evil.example#localhost',
    'a b',
    '',
    ':3000',
  ])('does not serve %j', (host) => {
    expect(codeFor({ host }, rules('localhost'))).toBe('wrong_host');
  });

  it('is known by what its host name resolves to, and serves that name', () => {
    expect(codeFor({ host: 'desk:3000' }, rules('desk'))).toBeUndefined();
    expect(codeFor({ host: 'evil.example' }, rules('desk'))).toBe('wrong_host');
    expect(codeFor({ host: 'evil.example' }, rules('::1'))).toBe('wrong_host');
  });

  it('serves the hosts that are allowed', () => {
    expect(codeFor({ host: 'KVS.example:80' }, rules('localhost', ['kvs.example']))).toBeUndefined();
    expect(codeFor({ host: 'sub.kvs.example' }, rules('localhost', ['kvs.example']))).toBe('wrong_host');
    expect(codeFor({ host: 'any.example' }, rules('localhost', ['*']))).toBeUndefined();
  });
});

describe('a server on an address of the network', () => {
  it.each(['0.0.0.0', '::', '10.0.0.1', 'fd00::1'])('%s serves any host', (address) => {
    expect(codeFor({ host: 'proxy-1:3000' }, rules(address))).toBeUndefined();
  });

  it('serves only its own, those of loopback and those allowed once there are any', () => {
    const access = rules('fd00::1', ['kvs.example']);
    for (const host of ['[FD00:0::1]:3000', 'localhost:3000', 'kvs.example']) {
      expect(codeFor({ host }, access)).toBeUndefined();
    }
    expect(codeFor({ host: 'proxy-1:3000' }, access)).toBe('wrong_host');
  });
});

it('there is one host, in HTTP/1.0 at most one', () => {
  const access = rules('0.0.0.0');
  expect(codeFor({}, access)).toBe('invalid_request');
  expect(codeFor({ Host: ['a', 'a'] }, access)).toBe('invalid_request');
  expect(codeFor({}, access, { httpVersion: '1.0' })).toBeUndefined();
  expect(codeFor({ Host: ['a', 'b'] }, access, { httpVersion: '1.0' })).toBe('invalid_request');
});

describe('a page', () => {
  const host = 'localhost:8080';
  const evil = 'https://evil.example';

  it.each<[string, Headers]>([
    ['a program', {}],
    ['the address bar', { 'sec-fetch-site': 'none' }],
    ['its own page', { 'sec-fetch-site': 'same-origin', origin: `http://${host}` }],
    ['its own page, in a browser that sends only Origin', { origin: 'http://LOCALHOST:8080' }],
    ['its own page, behind TLS that ends before', { origin: 'https://localhost:8080' }],
  ])('%s may use the server', (_who, headers) => {
    expect(codeFor({ host, ...headers }, rules('localhost'))).toBeUndefined();
  });

  it.each<[string, Headers]>([
    ['another site', { 'sec-fetch-site': 'cross-site', origin: evil }],
    ['another port', { 'sec-fetch-site': 'same-site', origin: 'http://localhost:5173' }],
    ['another site that hides its name', { 'sec-fetch-site': 'cross-site', origin: 'null' }],
    ['another site, for an image', { 'sec-fetch-site': 'cross-site' }],
    ['another site in words that we do not know', { 'sec-fetch-site': 'fenced' }],
    ['another site, in a browser that sends only Origin', { origin: evil }],
    ['a sandboxed frame, in a browser that sends only Origin', { origin: 'null' }],
    ['another port, in a browser that sends only Origin', { origin: 'http://localhost' }],
    ['a longer name', { origin: 'http://evil-localhost:8080' }],
  ])('of %s may not', (_who, headers) => {
    expect(codeFor({ host, ...headers }, rules('localhost'))).toBe('cross_origin');
    expect(codeFor({ host, ...headers }, rules('0.0.0.0', ['*']))).toBe('cross_origin');
  });

  it('of an origin that is allowed may', () => {
    const access = rules('localhost', [], ['https://app.example', 'null']);
    const fromPage = { host, 'sec-fetch-site': 'cross-site' };
    expect(codeFor({ ...fromPage, origin: 'https://app.example' }, access)).toBeUndefined();
    expect(codeFor({ host, origin: 'https://app.example' }, access)).toBeUndefined();
    expect(codeFor({ ...fromPage, origin: 'null' }, access)).toBeUndefined();
    expect(codeFor({ ...fromPage, origin: 'https://app.example:444' }, access)).toBe('cross_origin');
    expect(codeFor({ ...fromPage, origin: evil }, access)).toBe('cross_origin');
    expect(codeFor(fromPage, access)).toBe('cross_origin');
  });

  it('of any origin may if all are allowed', () => {
    const access = rules('localhost', [], ['*']);
    expect(codeFor({ host, 'sec-fetch-site': 'cross-site', origin: evil }, access)).toBeUndefined();
    expect(codeFor({ host, 'sec-fetch-site': 'cross-site' }, access)).toBeUndefined();
  });

  it('may link to the server, and neither post to it nor frame it', () => {
    const link = {
      host,
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
    };
    const codeOf = (headers: Headers, method: string) => codeFor(headers, rules('localhost'), { method });
    expect(codeOf(link, 'GET')).toBeUndefined();
    expect(codeOf({ ...link, origin: evil }, 'POST')).toBe('cross_origin');
    expect(codeOf({ ...link, 'sec-fetch-dest': 'iframe' }, 'GET')).toBe('cross_origin');
    expect(codeOf({ ...link, host: 'evil.example' }, 'GET')).toBe('wrong_host');
  });
});

it.each([
  ['chunked', undefined],
  ['Chunked', undefined],
  ['gzip, chunked', 'not_implemented'],
  ['gzip', 'not_implemented'],
  ['identity', 'not_implemented'],
  ['', 'not_implemented'],
])('a body in the transfer coding %j: %s', (coding, code) => {
  expect(codeFor({ host: 'a', 'transfer-encoding': coding }, rules('0.0.0.0'))).toBe(code);
});

it('a refusal shows only the beginning of a header', () => {
  const long = 'x'.repeat(10_000);
  const everyHeader: Headers[] = [{ host: long }, { host: 'localhost', origin: long }];
  for (const headers of everyHeader) {
    expect(refusalOf(head(headers), rules('localhost'))?.message.length).toBeLessThan(250);
  }
});

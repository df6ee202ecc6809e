import { runInNewContext } from 'node:vm';
import { codeOf, messageOf } from './index.js';

it.each([
  ['an error', new TypeError('it broke'), 'it broke'],
  ['an error of another realm', runInNewContext('new Error("it broke")'), 'it broke'],
  ['text', 'it broke', 'it broke'],
  ['nothing', undefined, 'undefined'],
  ['an object without a message', { message: 7 }, '[object Object]'],
])('the message of %s', (_, thrown, message) => {
  expect(messageOf(thrown)).toBe(message);
});

it.each([
  ['an error of the system', Object.assign(new Error(), { code: 'ENOENT' }), 'ENOENT'],
  ['an error without a code', new Error(), undefined],
  ['an error with a number', Object.assign(new Error(), { code: 20 }), undefined],
  ['nothing', undefined, undefined],
])('the code of %s', (_, thrown, code) => {
  expect(codeOf(thrown)).toBe(code);
});

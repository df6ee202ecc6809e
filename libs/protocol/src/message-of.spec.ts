import { runInNewContext } from 'node:vm';
import { messageOf } from './index.js';

it.each([
  ['an error', new TypeError('it broke'), 'it broke'],
  ['an error of another realm', runInNewContext('new Error("it broke")'), 'it broke'],
  ['text', 'it broke', 'it broke'],
  ['nothing', undefined, 'undefined'],
  ['an object without a message', { message: 7 }, '[object Object]'],
])('the message of %s', (_, thrown, message) => {
  expect(messageOf(thrown)).toBe(message);
});

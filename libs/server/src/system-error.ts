import { isNativeError } from 'node:util/types';

/** An error of the operating system or of Node, with a code such as `EADDRINUSE`. */
export function isSystemError(error: unknown): error is Error & { readonly code: string } {
  return isNativeError(error) && 'code' in error && typeof error.code === 'string';
}

import { types } from 'node:util';

/**
 * Returns whether this is an error of the operating system, with a code such as `ENOENT`. It may be of another realm,
 * as in test runners.
 */
export function isSystemError(error: unknown): error is Error & { readonly code: string } {
  return (
    types.isNativeError(error) && 'syscall' in error && 'code' in error && typeof error.code === 'string'
  );
}

import { types } from 'node:util';

/** An error of the operating system, with a code such as `ENOENT`; also one of another realm, as test runners make them. */
export function isSystemError(error: unknown): error is Error & { readonly code: string } {
  return (
    types.isNativeError(error) && 'syscall' in error && 'code' in error && typeof error.code === 'string'
  );
}

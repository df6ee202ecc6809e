import { types } from 'node:util';

/** An error of the operating system, with a code such as `ENOENT`; also one of another realm, as test runners make them. */
export function isSystemError(error: unknown): error is Error & { readonly code: string } {
  return (
    types.isNativeError(error) && 'syscall' in error && 'code' in error && typeof error.code === 'string'
  );
}

/** What the work comes to; undefined where the operating system has this code against it. */
export async function unless<T>(code: string, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (isSystemError(error) && error.code === code) return undefined;
    throw error;
  }
}

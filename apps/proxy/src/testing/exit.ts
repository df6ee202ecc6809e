/** Thrown in place of ending the process. */
class Exit extends Error {
  constructor(readonly code: number) {
    super(`exit ${code}`);
  }
}

export interface ExitReport {
  readonly code: number;
  readonly stderr: string;
  readonly stdout: string;
}

/** What a function that ends the process would have done. */
export function exitOf(run: () => unknown): ExitReport {
  const { exit } = process;
  const written = { stdout: '', stderr: '' };
  const restore = (['stdout', 'stderr'] as const).map((name) => {
    const { write } = process[name];
    process[name].write = (text: string | Uint8Array): boolean => {
      written[name] += String(text);
      return true;
    };
    return () => void (process[name].write = write);
  });
  process.exit = (code): never => {
    throw new Exit(Number(code ?? 0));
  };
  try {
    run();
  } catch (error) {
    if (error instanceof Exit) return { code: error.code, ...written };
    throw error;
  } finally {
    process.exit = exit;
    for (const each of restore) each();
  }
  throw new TypeError('the process would not have ended');
}

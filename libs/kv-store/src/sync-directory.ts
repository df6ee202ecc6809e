import { open } from 'node:fs/promises';

/** Makes it durable that files of a directory were renamed or removed. Windows neither can nor need sync a directory. */
export async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

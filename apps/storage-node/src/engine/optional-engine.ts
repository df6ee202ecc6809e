import { codeOf, messageOf } from '@kvs/protocol';
import { StartError, usageError } from '@kvs/server';
import type { EngineFactory } from '@kvs/kv-store';

/**
 * Returns the factory of an engine whose package is not installed with the node.
 *
 * @param name of the function that the package exports; it takes the settings and returns the factory
 * @throws StartError if the package is not installed or refuses the settings
 */
export async function optionalEngine(
  packageName: string,
  name: string,
  settings: object,
): Promise<EngineFactory> {
  const exported: unknown = await importOptional(packageName);
  const make: unknown =
    typeof exported === 'object' && exported !== null ? Reflect.get(exported, name) : undefined;
  if (!isEngineMaker(make))
    throw new StartError(`the package ${packageName} has no ${name}: it is of another version`);
  try {
    return make(settings);
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
    throw usageError(error.message, error);
  }
}

async function importOptional(packageName: string): Promise<unknown> {
  try {
    return await import(packageName);
  } catch (error) {
    if (!isMissing(error, packageName)) throw error;
    throw new StartError(
      `the package ${packageName} is not installed: npm install ${packageName}, with --global if kvs-storage-node is global`,
      { cause: error },
    );
  }
}

/** Returns whether this package was not found, and not a package that it needs. */
function isMissing(error: unknown, packageName: string): boolean {
  return codeOf(error) === 'ERR_MODULE_NOT_FOUND' && messageOf(error).includes(`'${packageName}'`);
}

function isEngineMaker(value: unknown): value is (settings: object) => EngineFactory {
  return typeof value === 'function';
}

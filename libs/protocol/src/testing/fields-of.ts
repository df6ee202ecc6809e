import { isRecord } from '../guard.js';

/** Returns the paths of the fields of a JSON value, such as `nodes[].id`: each once, in alphabetical order. */
export function fieldsOf(json: unknown): string[] {
  return [...new Set(pathsIn(json, ''))].sort();
}

function pathsIn(json: unknown, path: string): string[] {
  if (Array.isArray(json)) return json.flatMap((element: unknown) => pathsIn(element, `${path}[]`));
  if (!isRecord(json)) return [];
  return Object.entries(json).flatMap(([name, value]) => {
    const field = path === '' ? name : `${path}.${name}`;
    return [field, ...pathsIn(value, field)];
  });
}

import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { workspaceRoot } from '@kvs-tools/local-cluster';
import type { Table } from '../../harness/report.js';

/** Of a .cpuprofile what is read here. */
interface CpuProfile {
  readonly nodes: readonly {
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
    /** Samples that found it on top of the stack. */
    readonly hitCount?: number;
  }[];
}

interface SelfTime {
  readonly name: string;
  readonly place: string;
  samples: number;
}

const SHOWN = 15;

/** The functions that a profile found at work most often, callees not counted. */
export function topFunctions(title: string, file: string): Table {
  const profile: CpuProfile = JSON.parse(readFileSync(file, 'utf8'));
  const functions = new Map<string, SelfTime>();
  let idle = 0;
  let busy = 0;
  for (const { callFrame, hitCount = 0 } of profile.nodes) {
    const { functionName, url, lineNumber } = callFrame;
    if (functionName === '(idle)') {
      idle += hitCount;
      continue;
    }
    busy += hitCount;
    const place = url === '' ? '' : `${shorten(url)}:${lineNumber + 1}`;
    const name = functionName === '' ? '(anonymous)' : functionName;
    const key = `${name} ${place}`;
    const known = functions.get(key) ?? { name, place, samples: 0 };
    known.samples += hitCount;
    functions.set(key, known);
  }
  const sorted = [...functions.values()].sort((a, b) => b.samples - a.samples);
  return {
    title,
    note: `Busy for ${((100 * busy) / (busy + idle)).toFixed(0)}% of the time; shares are of that. From ${file}.`,
    columns: [{ title: 'function' }, { title: 'file' }, { title: 'self', unit: 'share' }],
    rows: sorted.slice(0, SHOWN).map(({ name, place, samples }) => [name, place, samples / busy]),
  };
}

function shorten(url: string): string {
  if (!url.startsWith('file:')) return url;
  return relative(workspaceRoot, fileURLToPath(url)).replace(/^.*node_modules\//, '');
}

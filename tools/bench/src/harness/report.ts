import { cpus } from 'node:os';
import { interquartileRange, median } from './statistics.js';

/** The results of a suite. */
export interface Report {
  readonly suite: string;
  readonly machine: string;
  readonly tables: readonly Table[];
  readonly goals: readonly Goal[];
  /** An SVG image. */
  readonly chart?: string;
}

export interface Table {
  readonly title: string;
  readonly note?: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Cell[])[];
}

export interface Column {
  readonly title: string;
  /** How numbers are shown. They are in this unit, except that values for `MiB` are in bytes. */
  readonly unit?: Unit;
}

/** Null if it was not measured. */
export type Cell = string | number | null;

export type Unit = 'times' | 'share' | 'count' | 'ns' | 'µs' | 'ms' | 'ratio' | 'bytes' | 'MiB';

export interface Goal {
  readonly text: string;
  readonly unit: Unit;
  /** The median of the rounds, if there were rounds. */
  readonly value: number;
  /** The interquartile range of the rounds. */
  readonly interquartileRange?: readonly [low: number, high: number];
  readonly met: boolean;
}

/** A part of a report. */
export type ReportPart = Omit<Report, 'suite' | 'machine'>;

/** Joins the parts of a case. */
export function joined(parts: readonly ReportPart[]): ReportPart {
  return {
    tables: parts.flatMap(({ tables }) => tables),
    goals: parts.flatMap(({ goals }) => goals),
    chart: parts.find(({ chart }) => chart !== undefined)?.chart,
  };
}

/** Returns the report of a suite whose parts have been measured. */
export function reportOf(suite: string, parts: readonly ReportPart[], machine = describeMachine()): Report {
  return { suite, machine, ...joined(parts) };
}

/** @param measured one value, or one for each round */
export function atLeast(text: string, unit: Unit, measured: number | readonly number[], bound: number): Goal {
  const figure = figureOf(measured);
  return { text, unit, ...figure, met: figure.value >= bound };
}

/** @param measured one value, or one for each round */
export function atMost(text: string, unit: Unit, measured: number | readonly number[], bound: number): Goal {
  const figure = figureOf(measured);
  return { text, unit, ...figure, met: figure.value <= bound };
}

function figureOf(measured: number | readonly number[]): Pick<Goal, 'value' | 'interquartileRange'> {
  if (typeof measured === 'number') return { value: measured };
  return { value: median(measured), interquartileRange: interquartileRange(measured) };
}

export function describeMachine(): string {
  const processors = cpus();
  const model = processors[0]?.model.trim() ?? 'unknown processor';
  return `${processors.length} cores, ${model}, Node ${process.versions.node}, ${process.platform}`;
}

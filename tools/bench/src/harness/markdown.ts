import type { Cell, Column, Goal, Report, Table, Unit } from './report.js';

/** Returns a report as Markdown. */
export function toMarkdown({ suite, machine, tables, goals }: Report): string {
  const parts = [
    `# ${suite}`,
    `Measured on ${machine}. Compare figures within a run, not between machines.`,
    ...tables.map(toSection),
    ...(goals.length === 0 ? [] : [`## Goals of ${suite}`, goalTable(goals)]),
  ];
  return `${parts.join('\n\n')}\n`;
}

/** Returns a table of goals, those that are not met first. */
export function goalTable(goals: readonly Goal[]): string {
  const unmetFirst = goals.toSorted((a, b) => Number(a.met) - Number(b.met));
  const rows = unmetFirst.map((goal) => [goal.text, showFigure(goal), goal.met ? 'met' : '**not met**']);
  return renderTable([{ title: 'goal' }, { title: 'measured' }, { title: '' }], rows);
}

/** Returns a table without its title and note. */
export function tableOnly({ columns, rows }: Table): string {
  const shown = rows.map((row) => row.map((cell, at) => showCell(cell, columns[at])));
  return renderTable(columns, shown);
}

function toSection(table: Table): string {
  const { title, note } = table;
  return [`## ${title}`, ...(note === undefined ? [] : [note]), tableOnly(table)].join('\n\n');
}

function renderTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const widths = columns.map(({ title }, at) =>
    Math.max(3, title.length, ...rows.map((row) => row[at]?.length ?? 0)),
  );
  const isNumber = (at: number) => columns[at]?.unit !== undefined;
  const pad = (text: string, at: number) =>
    isNumber(at) ? text.padStart(widths[at] ?? 0) : text.padEnd(widths[at] ?? 0);
  const line = (cells: readonly string[]) => `| ${cells.map(pad).join(' | ')} |`;
  const rule = widths.map((width, at) => (isNumber(at) ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width)));
  return [line(columns.map(({ title }) => title)), line(rule), ...rows.map(line)].join('\n');
}

function showCell(cell: Cell, column: Column | undefined): string {
  if (cell === null) return '–';
  return typeof cell === 'string' ? cell : show(cell, column?.unit ?? 'count');
}

/** Returns the value of a goal and, if there were rounds, the interquartile range. */
function showFigure({ value, unit, interquartileRange }: Goal): string {
  const figure = show(value, unit);
  return interquartileRange === undefined
    ? figure
    : `${figure} (${interquartileRange.map((each) => show(each, unit)).join(' to ')})`;
}

function show(value: number, unit: Unit): string {
  const size = Math.abs(value);
  switch (unit) {
    case 'times':
      return `${value < 10 ? value.toFixed(1) : Math.round(value)} ×`;
    case 'ratio':
      return value.toFixed(value < 0.1 ? 3 : 2);
    case 'share':
      return `${(value * 100).toFixed(1)}%`;
    case 'count':
      return Math.round(value).toLocaleString('en');
    case 'ns':
      return `${value.toFixed(0)} ns`;
    case 'µs':
      return `${value.toFixed(value < 10 ? 1 : 0)} µs`;
    case 'bytes':
      return `${value.toFixed(0)} B`;
    case 'MiB':
      return `${(value / 2 ** 20).toFixed(0)} MiB`;
    case 'ms':
      return `${value.toFixed(size < 0.1 ? 3 : size < 1 ? 2 : size < 10 ? 1 : 0)} ms`;
  }
}

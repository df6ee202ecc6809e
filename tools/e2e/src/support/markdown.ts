/** A fenced block of a Markdown text. */
export interface CodeBlock {
  readonly language: string;
  readonly text: string;
  /** The line of the document at which the text starts, from 1. */
  readonly line: number;
}

export function codeBlocks(markdown: string): CodeBlock[] {
  return Array.from(markdown.matchAll(FENCE), ({ 1: language = '', 2: text = '', index }) => ({
    language,
    text,
    line: lineAt(markdown, index) + 1,
  }));
}

const FENCE = /^```(\S*)\n(.*?)^```$/gms;

/** Returns the number of the line at an index, from 1. */
export function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length;
}

/** Returns the cells of the Markdown table with this first heading, without backquotes. */
export function tableRows(markdown: string, heading: string): string[][] {
  const lines = markdown.split('\n');
  const start = lines.findIndex((line) => new RegExp(`^\\| ${heading} +\\|`).test(line));
  const length = lines.slice(start).findIndex((line) => !line.startsWith('|'));
  if (start === -1) throw new TypeError(`there is no table ${heading}`);
  return lines.slice(start + 2, start + length).map(cellsOf);
}

function cellsOf(row: string): string[] {
  return row
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim().replaceAll('`', ''));
}

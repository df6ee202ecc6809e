/** A sample of a page in the text format of Prometheus, such as `name{a="b"}`, and its value. */
export type Samples = ReadonlyMap<string, number>;

/** Reads a page strictly. Throws for a line that is not of the format, and for a sample that comes twice. */
export function readExposition(page: string): { samples: Samples; types: ReadonlyMap<string, string> } {
  const samples = new Map<string, number>();
  const types = new Map<string, string>();
  if (!page.endsWith('\n')) throw new Error('the last line has no end');
  for (const line of page.split('\n')) {
    const [, name, type] = TYPE.exec(line) ?? [];
    if (name !== undefined && type !== undefined) {
      if (types.has(name)) throw new Error(`twice: ${line}`);
      types.set(name, type);
      continue;
    }
    if (line === '' || HELP.test(line)) continue;
    const [, id, value] = SAMPLE.exec(line) ?? [];
    if (id === undefined || value === undefined) throw new Error(`no line of the format: ${line}`);
    if (samples.has(id)) throw new Error(`twice: ${line}`);
    samples.set(id, value === '+Inf' ? Infinity : Number(value));
  }
  return { samples, types };
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const LABEL = `[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\["\\\\n])*"`;
const TYPE = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram|summary)$`);
const HELP = new RegExp(`^# HELP ${NAME} .+$`);
const SAMPLE = new RegExp(`^(${NAME}(?:\\{${LABEL}(?:,${LABEL})*\\})?) (\\S+)$`);

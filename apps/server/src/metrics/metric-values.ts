export type Labels = Readonly<Record<string, string>>;

/** Labels as they stand in a line of the text format, without its braces. */
export function labelText(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${value.replace(/[\\"\n]/g, escaped)}"`)
    .join(",");
}

function escaped(character: string): string {
  return character === "\n" ? "\\n" : `\\${character}`;
}

/** The two lines before the values of a metric. */
export function titleLines(name: string, help: string, type: "counter" | "gauge" | "histogram"): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
}

/** A counter or a gauge in the text format of Prometheus, by labels. One that is told of nothing has no lines but its title. */
export class MetricValues {
  private readonly values = new Map<string, number>();

  constructor(
    private readonly type: "counter" | "gauge",
    private readonly name: string,
    private readonly help: string,
  ) {}

  add(labels: Labels, by: number): void {
    const key = labelText(labels);
    this.values.set(key, (this.values.get(key) ?? 0) + by);
  }

  set(labels: Labels, value: number): void {
    this.values.set(labelText(labels), value);
  }

  reset(): void {
    this.values.clear();
  }

  lines(): string[] {
    const lines = [...this.values].map(
      ([labels, value]) => `${this.name}${labels && `{${labels}}`} ${value}`,
    );
    return [...titleLines(this.name, this.help, this.type), ...lines];
  }
}

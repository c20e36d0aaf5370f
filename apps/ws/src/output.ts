import { printable, printableJson } from "./terminal.ts";

/** Columns of a terminal whose width nobody tells. */
const COLUMNS = 100;
/** Text columns are cut no narrower than this. */
const CELL_CHARS_MIN = 12;

export interface Column<T> {
  title: string;
  text(row: T): string;
  /** Shrinks when the table is wider than the terminal; several do so in their order. What is still too wide is cut at its right. */
  shrinks?: boolean;
}

/** Where a command's answer goes: tables and text for people, JSON for programs. */
export class Output {
  constructor(
    /** As `-o json` asks for. */
    readonly json: boolean,
    private readonly terminal: boolean,
    private readonly env: Record<string, string | undefined>,
    private readonly sink: (text: string) => void | Promise<void>,
  ) {}

  /** Colors only where a person looks and did not say no. */
  private get colored(): boolean {
    return this.terminal && !this.env.NO_COLOR && this.env.TERM !== "dumb";
  }

  /** Control characters are data for a pipe and a weapon on a terminal: there they are taken out. */
  async text(text: string): Promise<void> {
    await this.sink(`${this.terminal ? printable(text) : text}\n`);
  }

  async data(value: unknown): Promise<void> {
    await this.sink(`${printableJson(value)}\n`);
  }

  /** One line of JSON, for what comes as a stream. */
  async line(value: unknown): Promise<void> {
    await this.sink(`${printableJson(value, 0)}\n`);
  }

  /** Prints an answer: as JSON when that was asked for, else what `show` makes of it. */
  async answer(value: unknown, show: () => string): Promise<void> {
    await (this.json ? this.data(value) : this.text(show()));
  }

  /** A table for people, cut to the terminal; every value in full where there is none. */
  async table<T>(rows: readonly T[], columns: readonly Column<T>[], empty: string): Promise<void> {
    if (rows.length === 0) return this.terminal ? this.text(empty) : undefined;
    const cells = rows.map((row) =>
      columns.map(({ text }) => printable(text(row)).replace(/\s+/g, " ").trim()),
    );
    const widths = columns.map(({ title }, at) =>
      Math.max(title.length, ...cells.map((row) => Bun.stringWidth(row[at] ?? ""))),
    );
    const room = this.terminal ? Number(this.env.COLUMNS) || process.stdout.columns || COLUMNS : undefined;
    if (room !== undefined) shrink(widths, columns, room);
    const lineOf = (row: readonly string[]) => {
      const line = row.map((cell, at) => fitted(cell, widths[at] ?? 0)).join("  ");
      return (room === undefined ? line : fitted(line, room)).trimEnd();
    };
    const lines = cells.map(lineOf);
    const head = lineOf(columns.map(({ title }) => title));
    await this.sink(`${this.colored ? `\u001b[2m${head}\u001b[22m` : head}\n${lines.join("\n")}\n`);
  }
}

function shrink<T>(widths: number[], columns: readonly Column<T>[], room: number): void {
  let over = widths.reduce((sum, width) => sum + width + 2, -2) - room;
  for (const [at, { shrinks }] of columns.entries()) {
    const width = widths[at] ?? 0;
    const less = shrinks === true ? Math.min(Math.max(0, over), Math.max(0, width - CELL_CHARS_MIN)) : 0;
    widths[at] = width - less;
    over -= less;
  }
}

function fitted(cell: string, width: number): string {
  const over = Bun.stringWidth(cell) > width;
  const shown = over ? `${Bun.sliceAnsi(cell, 0, width - 1)}…` : cell;
  return shown + " ".repeat(Math.max(0, width - Bun.stringWidth(shown)));
}

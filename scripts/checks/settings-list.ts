import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Glob } from "bun";
import { z } from "zod";

const SettingRow = z.object({
  name: z.string().regex(/^[A-Z][A-Z0-9_]*$/),
  defaultText: z.string(),
  doc: z.string().min(1),
  secret: z.boolean().default(false),
});
export interface SettingRow extends z.infer<typeof SettingRow> {
  /** Whether the program also takes it as `<name>_FILE`. */
  fileTwin: boolean;
}
const Table = z.record(z.string(), SettingRow);
/** A row with a schema is of a table for readSettings, the one reader that takes a secret from a file. */
const FileRow = z.object({
  secret: z.literal(true),
  fileTwin: z.literal(true).optional(),
  schema: z.object({}),
});

export interface ProgramSettings {
  /** `windshift`, `windshift-agent`, … */
  program: string;
  rows: SettingRow[];
}

const PROGRAMS: Record<string, string> = {
  server: "windshift",
  runner: "windshift-runner",
  triage: "windshift-triage",
  agent: "windshift-agent",
  ws: "ws",
};

/** The settings tables of all programs, read from the modules that hold them; one section a program, in a fixed order. */
export async function readSettingsTables(root: string): Promise<ProgramSettings[]> {
  const found: ProgramSettings[] = [];
  for (const [app, program] of Object.entries(PROGRAMS)) {
    const rows: SettingRow[] = [];
    for (const file of [...new Glob(`apps/${app}/src/**/*.ts`).scanSync({ cwd: root })].sort()) {
      if (file.endsWith(".test.ts") || !holdsTable(readFileSync(join(root, file), "utf8"))) continue;
      rows.push(...(await tablesOf(join(root, file))));
    }
    if (rows.length > 0) found.push({ program, rows });
  }
  return found;
}

function holdsTable(source: string): boolean {
  return /^\s+defaultText:/m.test(source) && /^export const/m.test(source);
}

async function tablesOf(file: string): Promise<SettingRow[]> {
  const exported: Record<string, unknown> = await import(file);
  return Object.values(exported).flatMap((value) => {
    const table = Table.safeParse(value);
    if (!table.success) return [];
    const sources: Record<string, unknown> = { ...Object(value) };
    return Object.entries(table.data).map(([key, row]) => ({
      ...row,
      fileTwin: FileRow.safeParse(sources[key]).success,
    }));
  });
}

import { readFileSync } from "node:fs";
import type { z } from "zod";

/** One variable of a program's environment. A program's `config.ts` holds a table of these; docs and doctor read it too. */
export interface Setting<T extends z.ZodType = z.ZodType> {
  name: string;
  /** Takes the text of the variable, or undefined when unset; gives the value. Its message says what to write instead. */
  schema: T;
  /** As shown in the documentation. */
  defaultText: string;
  doc: string;
  /** A secret may be given as `<name>_FILE`, and is never printed. */
  secret?: boolean;
  /** `false`: there is no `<name>_FILE` for this secret, as that name means something else. */
  fileTwin?: boolean;
}

export type SettingsTable = Record<string, Setting>;
export type SettingsOf<T extends SettingsTable> = { [K in keyof T]: z.infer<T[K]["schema"]> };
export type SettingsResult<T extends SettingsTable> =
  | { kind: "ok"; settings: SettingsOf<T> }
  | { kind: "problems"; problems: string[] };

/** Reads every variable of the table and gathers all problems. An empty variable counts as unset; a bad value is refused, never replaced. */
export function readSettings<T extends SettingsTable>(
  table: T,
  env: Record<string, string | undefined>,
): SettingsResult<T> {
  const problems: string[] = [];
  const settings: Record<string, unknown> = {};
  for (const [key, setting] of Object.entries(table)) {
    const raw = rawValue(setting, env, problems);
    const parsed = setting.schema.safeParse(raw);
    if (parsed.success) settings[key] = parsed.data;
    else
      problems.push(
        `${setting.name}: ${parsed.error.issues.map((i) => i.message).join("; ")}${shown(setting, raw)}`,
      );
  }
  return problems.length > 0
    ? { kind: "problems", problems }
    : { kind: "ok", settings: settings as SettingsOf<T> };
}

function rawValue(
  setting: Setting,
  env: Record<string, string | undefined>,
  problems: string[],
): string | undefined {
  const direct = env[setting.name] || undefined;
  const file =
    setting.secret && setting.fileTwin !== false ? env[`${setting.name}_FILE`] || undefined : undefined;
  if (file === undefined) return direct;
  if (direct !== undefined) {
    problems.push(`${setting.name}: set it or ${setting.name}_FILE, not both`);
    return direct;
  }
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    problems.push(
      `${setting.name}_FILE: cannot read ${file} (${(error as NodeJS.ErrnoException).code ?? "error"})`,
    );
    return undefined;
  }
}

function shown(setting: Setting, raw: string | undefined): string {
  if (raw === undefined || setting.secret) return "";
  return ` (it is ${JSON.stringify(raw.slice(0, 200))})`;
}

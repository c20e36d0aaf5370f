import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { GeneratedDoc } from "./generated-docs.ts";
import { readSettingsTables, type SettingRow } from "./settings-list.ts";

const INSTALLER = "deploy/install.sh";
const BLOCK = /(# generated: the settings of windshift-runner.*\n)[\s\S]*?(# \/generated)/;
/** Where comments are broken, characters. */
const LINE_CHARS_MAX = 120;

/** The installer with every setting of the runner in the template of its runner.env, each off, each with its sentence. */
export async function runnerInstaller(root: string): Promise<GeneratedDoc> {
  const now = readFileSync(join(root, INSTALLER), "utf8");
  const tables = await readSettingsTables(root);
  const rows = tables.find(({ program }) => program === "windshift-runner")?.rows ?? [];
  const problems = BLOCK.test(now) ? [] : [`${INSTALLER}: the block of generated settings is missing`];
  const text = now.replace(BLOCK, (_, start, end) => `${start}${templateFunction(rows)}${end}`);
  return { path: INSTALLER, text, problems };
}

/** A shell function that prints the template; the quoted word keeps the shell out of its text. */
function templateFunction(rows: readonly SettingRow[]): string {
  const head = [
    "Settings of windshift-runner: NAME=value, without quotes. After a change: systemctl restart windshift-runner",
    "It is read when the service starts, and written once: install.sh never changes it.",
  ].map((line) => `# ${line}`);
  const settings = rows.flatMap((row) => ["", ...wrap(sentence(row)), `#${row.name}=`]);
  return [
    "settings_template() {",
    "  cat <<'END_OF_SETTINGS'",
    ...head,
    ...settings,
    "END_OF_SETTINGS",
    "}",
    "",
  ].join("\n");
}

function sentence({ name, defaultText, doc, fileTwin }: SettingRow): string {
  const twin = fileTwin ? ` Or the name of a file that holds it, in ${name}_FILE.` : "";
  return `${doc}${twin} Default: ${defaultText}.`.replaceAll("`", "");
}

function wrap(text: string): string[] {
  const lines: string[] = [];
  let line = "#";
  for (const word of text.split(/\s+/)) {
    if (line.length + 1 + word.length > LINE_CHARS_MAX) {
      lines.push(line);
      line = "#";
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}

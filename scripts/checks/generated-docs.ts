import { readFileSync } from "node:fs";
import { join } from "node:path";
import { formatDuration } from "@windshift/base/duration.ts";
import { Glob } from "bun";
import { contractBlocks } from "./agent-contract-doc.ts";
import { findLimits, type Limit } from "./limit-list.ts";
import { runnerInstaller } from "./runner-env.ts";
import { readSettingsTables, type SettingRow } from "./settings-list.ts";
import { isTestOnly } from "./source-tree.ts";

/** A page as it should be, and what stands in the way of writing it. */
export interface GeneratedDoc {
  /** Relative to the root. */
  path: string;
  text: string;
  problems: string[];
}

const CONTRACT_LIMITS = "packages/contract/src/limits.ts";

/** The pages that are made from the code: their hand-written parts are kept, the blocks between markers replaced. */
export async function generateDocs(root: string): Promise<GeneratedDoc[]> {
  const limits = limitTables(root);
  const settings = await settingTables(root);
  return [
    page(root, "docs/limits.md", "limits", limits.text, limits.problems),
    page(root, "docs/configuration.md", "settings", settings, []),
    agentPage(root),
    await runnerInstaller(root),
  ];
}

/** Three blocks of one page: each is written into what the one before made of it. */
function agentPage(root: string): GeneratedDoc {
  const path = "docs/agent.md";
  let doc: GeneratedDoc = { path, text: readFileSync(join(root, path), "utf8"), problems: [] };
  for (const { name, text, problems } of contractBlocks())
    doc = filled(doc, name, text, [...doc.problems, ...problems]);
  return doc;
}

function page(root: string, path: string, block: string, content: string, problems: string[]): GeneratedDoc {
  const text = readFileSync(join(root, path), "utf8");
  return filled({ path, text, problems: [] }, block, content, problems);
}

function filled(
  { path, text: now }: GeneratedDoc,
  block: string,
  content: string,
  problems: string[],
): GeneratedDoc {
  const pattern = new RegExp(`(<!-- generated: ${block} -->\\n)[\\s\\S]*?(<!-- /generated -->)`);
  if (!pattern.test(now)) {
    return {
      path,
      text: now,
      problems: [...problems, `${path}: the block <!-- generated: ${block} --> is missing`],
    };
  }
  return { path, text: now.replace(pattern, (_, start, end) => `${start}\n${content}\n${end}`), problems };
}

function limitTables(root: string): { text: string; problems: string[] } {
  const problems: string[] = [];
  const contract = findLimits(readFileSync(join(root, CONTRACT_LIMITS), "utf8"));
  const known = new Map(contract.map(({ name, value }) => [name, value]));
  const files = [...new Glob("{apps,packages}/*/src/**/*.ts").scanSync({ cwd: root })].sort();
  const sections = [CONTRACT_LIMITS, ...files.filter((file) => file !== CONTRACT_LIMITS)]
    .filter((file) => !isTestOnly(file))
    .map((file) => ({ file, limits: findLimits(readFileSync(join(root, file), "utf8"), known) }))
    .filter(({ limits }) => limits.length > 0);
  const rows = sections.flatMap(({ file, limits }) =>
    limits.map((limit) => {
      if (limit.reason === "") problems.push(`${file}: ${limit.name} has no comment that gives its reason`);
      return `| \`${limit.name}\` | ${shown(limit)} | ${cell(limit.reason)} | \`${file}\` |`;
    }),
  );
  const text = ["| limit | value | meaning | where |", "| --- | --- | --- | --- |", ...rows].join("\n");
  return { text: `${text}\n`, problems };
}

function shown({ value, unit }: Limit): string {
  const exact = value.toLocaleString("en-US").replaceAll(",", " ");
  if (unit === "ms") return `${exact} ms${value >= 1_000 ? ` (${formatDuration(value)})` : ""}`;
  if (unit === "bytes") return `${exact} bytes${binary(value)}`;
  return unit === "" ? exact : `${exact} ${unit}`;
}

function binary(bytes: number): string {
  for (const [name, size] of [
    ["GiB", 1024 ** 3],
    ["MiB", 1024 ** 2],
    ["KiB", 1024],
  ] as const) {
    if (bytes >= size && bytes % size === 0) return ` (${bytes / size} ${name})`;
  }
  return "";
}

async function settingTables(root: string): Promise<string> {
  const tables = await readSettingsTables(root);
  return tables.map(({ program, rows }) => `## ${program}\n\n${settingTable(rows)}\n`).join("\n");
}

function settingTable(rows: readonly SettingRow[]): string {
  return [
    "| variable | default | meaning |",
    "| --- | --- | --- |",
    ...rows.map((row) => {
      const name = row.fileTwin ? `\`${row.name}\` or \`${row.name}_FILE\`` : `\`${row.name}\``;
      return `| ${name} | ${cell(row.defaultText)} | ${cell(row.doc)} |`;
    }),
  ].join("\n");
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replace(/\s+/g, " ");
}

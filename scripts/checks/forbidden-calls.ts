import { isTestOnly, type SourceFile, type Violation } from "./source-tree.ts";

interface Rule {
  pattern: RegExp;
  /** Whether the rule holds for this file. */
  holds(path: string): boolean;
  rule: string;
}

/** HG-16: on a host, git runs only with the built environment of base, which these use. The agent's own git runs inside its container. */
const GIT_WRAPPERS = [
  "packages/base/src/git.ts",
  "packages/git-broker/src/local-upstream.ts",
  "packages/git-broker/src/fetched-base.ts",
  "packages/git-broker/src/object-reader.ts",
  "packages/git-broker/src/pack-intake.ts",
  "apps/triage/src/host-git.ts",
];

const RULES: readonly Rule[] = [
  {
    pattern:
      /(?:\[|\b(?:spawn|spawnSync|exec|execFile|execFileSync)\()\s*["'`](?:\/usr\/bin\/)?git["'`]\s*[,\]]/g,
    holds: (path) => !GIT_WRAPPERS.includes(path) && !path.startsWith("apps/agent/"),
    rule: "git is started only through packages/base/src/git.ts (HG-16)",
  },
  {
    pattern: /\$\s*`\s*git\b/g,
    holds: (path) => !path.startsWith("apps/agent/"),
    rule: "git is started only through packages/base/src/git.ts (HG-16)",
  },
  {
    pattern: /\b(?:process|Bun)\.env\b|\bprocess\.exit\(/g,
    holds: (path) => path.startsWith("packages/"),
    rule: "a package reads no environment and never exits; its caller does",
  },
];

/** Calls that are forbidden where they stand. Test files are free to make them. */
export function checkForbiddenCalls(files: readonly SourceFile[]): Violation[] {
  return files
    .filter((file) => !isTestOnly(file.path))
    .flatMap(({ path, text }) =>
      RULES.filter((rule) => rule.holds(path)).flatMap(({ pattern, rule }) =>
        [...withoutComments(text).matchAll(pattern)].map((match) => ({
          path,
          line: text.slice(0, match.index).split("\n").length,
          rule,
        })),
      ),
    );
}

/** Blanks comments, so that places stay where they are. */
function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/[^\n]*/g, (comment) => comment.replace(/[^\n]/g, " "));
}

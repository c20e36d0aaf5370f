import { type ExecResult, exec } from "@windshift/base/exec.ts";
import { type Check, failed, passed, warned } from "./check.ts";

/** Everything asked here answers in a moment, ms. */
const ASK_MS_MAX = 20_000;
const NAME = "windshift-triage";
/** The words that a line of `windshift-triage --check` begins with. */
const KINDS = { ok: passed, warning: warned, problem: failed } as const;

/**
 * The git helper starts and finds what it needs; what it says of git and the rest is passed on.
 * @param setting the variable that names it
 */
export async function checkTriage(argv: readonly string[], path: string, setting: string): Promise<Check[]> {
  const install = `Install windshift-triage beside this program or in the PATH, or name it in ${setting}; without it no repository is prepared or pushed.`;
  let result: ExecResult;
  try {
    result = await exec([...argv, "--check"], { env: { PATH: path }, timeoutMs: ASK_MS_MAX });
  } catch {
    return [failed(NAME, `the program ${argv[0]} cannot be started. ${install}`)];
  }
  const checks = result.stdout.split("\n").flatMap(checkOf);
  const said = result.stderr.replace(/\s+/g, " ").trim().slice(0, 500);
  if (checks.length === 0 || (result.exitCode !== 0 && checks.every((check) => check.state !== "failed")))
    return [
      failed(
        NAME,
        `${argv.join(" ")} --check ended with exit code ${result.exitCode}. ${install} It said: ${said}`,
      ),
    ];
  return checks;
}

/** The git helper is of this version: both come from one release and speak one protocol. */
export async function checkTriageVersion(
  argv: readonly string[],
  path: string,
  version: string,
): Promise<Check> {
  const options = { env: { PATH: path }, timeoutMs: ASK_MS_MAX };
  const { stdout } = await exec([...argv, "--version"], options).catch(() => ({ stdout: "" }));
  const found = /^windshift-triage (\S+)$/m.exec(stdout)?.[1] ?? "unknown";
  if (found === version) return passed(`${NAME} version`, found);
  return failed(
    `${NAME} version`,
    `${argv[0]} is version ${found}, this program ${version}. Install both from one release.`,
  );
}

/** `kind: what was found; what to do`. */
function checkOf(line: string): Check[] {
  const [, kind, text = ""] = /^(ok|warning|problem): (.+)$/.exec(line) ?? [];
  if (kind !== "ok" && kind !== "warning" && kind !== "problem") return [];
  const end = text.indexOf("; ");
  if (end === -1) return [KINDS[kind](NAME, text)];
  return [
    KINDS[kind](NAME, `${text.slice(0, end)}. ${text.charAt(end + 2).toUpperCase()}${text.slice(end + 3)}`),
  ];
}

/** The programs of the image are on this machine, where agents run without one. */
export function checkAgentPrograms(path: string): Check {
  const missing = ["windshift-agent", "ws"].filter((program) => Bun.which(program, { PATH: path }) === null);
  if (missing.length === 0) return passed("agent programs", "windshift-agent and ws are in the PATH");
  return failed(
    "agent programs",
    `${missing.join(" and ")} not found in the PATH. Run npm run build and put dist/ into the PATH.`,
  );
}

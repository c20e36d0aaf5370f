import { accessSync, constants, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import hookText from "../../git-hooks/prepare-commit-msg" with { type: "text" };

/** Where the agent image keeps the hook: /tmp may be mounted so that nothing in it can be executed. */
const IMAGE_HOOKS_DIR = "/usr/local/share/windshift/git-hooks";
const HOOK_NAME = "prepare-commit-msg";
/** Source: INTERFACES section 5. */
export const AGENT_AUTHOR = { name: "windshift-agent", email: "agent@windshift.local" };
/** Which variable gives which trailer, as in the hook. */
const TRAILERS = {
  AGENT_RUN_ID: "Windshift-Run",
  WINDSHIFT_ITEM_KEY: "Windshift-Item",
  WINDSHIFT_REQUESTED_BY: "Requested-by",
};
/** What a command of the model has no use for: `ws` has its own copy of the token, and the runtime's settings are the agent's. */
const WITHHELD = /^(LLM_API_KEY|BUN_JSC_.*)$/;

/**
 * The environment of every command the model runs: without the model's key, with the agent as author, and with a hook
 * that puts the run's trailers on each commit, if there is a place for one. Nothing is written to the checkout. Never throws.
 */
export function commandEnv(env: Record<string, string | undefined>): Record<string, string> {
  const own: Record<string, string> = {};
  for (const [name, value] of Object.entries(env))
    if (value !== undefined && !WITHHELD.test(name)) own[name] = value;
  const hooks = hooksDir([env.HOME, env.TMPDIR, tmpdir()]);
  return {
    ...inUtf8(own),
    GIT_AUTHOR_NAME: AGENT_AUTHOR.name,
    GIT_AUTHOR_EMAIL: AGENT_AUTHOR.email,
    GIT_COMMITTER_NAME: AGENT_AUTHOR.name,
    GIT_COMMITTER_EMAIL: AGENT_AUTHOR.email,
    GIT_TERMINAL_PROMPT: "0",
    GIT_EDITOR: "true", // a command that wants an editor must not wait for one
    GIT_PAGER: "cat",
    PAGER: "cat",
    ...(hooks === undefined
      ? {}
      : { GIT_CONFIG_COUNT: "1", GIT_CONFIG_KEY_0: "core.hooksPath", GIT_CONFIG_VALUE_0: hooks }),
  };
}

/**
 * A bare image names no language, and there grep, sed and sort would take UTF-8 for bytes. Only the encoding is set, as
 * C.UTF-8 differs from C in nothing else: to load the other eleven parts of a locale takes a small command a fifth of its time.
 */
function inUtf8(env: Record<string, string>): Record<string, string> {
  const { LANG, LC_ALL, LC_CTYPE, ...others } = env;
  if (LC_ALL || LC_CTYPE || (LANG && !/^C\.utf-?8$/i.test(LANG))) return env;
  return { ...others, LC_CTYPE: "C.UTF-8" };
}

/** The trailers of the run, as the last paragraph of a commit message; empty without any. The hook, where there is one, sets the same. */
export function trailers(env: Record<string, string>): string {
  return Object.entries(TRAILERS)
    .flatMap(([variable, trailer]) => (env[variable] ? [`${trailer}: ${env[variable]}`] : []))
    .join("\n");
}

/** @param spareDirs where the hook may go when the image has none; a home folder goes away with its run */
function hooksDir(spareDirs: readonly (string | undefined)[]): string | undefined {
  if (isExecutable(join(IMAGE_HOOKS_DIR, HOOK_NAME))) return IMAGE_HOOKS_DIR;
  for (const spareDir of spareDirs) {
    if (!spareDir) continue;
    try {
      const dir = mkdtempSync(join(spareDir, ".windshift-hooks-"));
      const hook = join(dir, HOOK_NAME);
      writeFileSync(hook, hookText, { mode: 0o755 });
      if (isExecutable(hook)) return dir;
    } catch {
      // Not there, full, or not ours to write: the next one, then.
    }
  }
  return undefined;
}

/** False too where the file system is mounted so that nothing on it can be executed. */
function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

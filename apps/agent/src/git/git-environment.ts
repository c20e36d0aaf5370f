import { accessSync, constants, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import hookText from "../../git-hooks/prepare-commit-msg" with { type: "text" };

/** Where the agent image keeps the hook: /tmp may be mounted so that nothing in it can be executed. */
const IMAGE_HOOKS_DIR = "/usr/local/share/windshift/git-hooks";
const HOOK_NAME = "prepare-commit-msg";
/** Source: INTERFACES section 5. */
export const AGENT_AUTHOR = { name: "windshift-agent", email: "agent@windshift.local" };
/** What a command of the model has no use for: `ws` has its own copy of the token, and the runtime's setting is the agent's. */
const WITHHELD = ["LLM_API_KEY", "LLM_API_KEY_FILE", "BUN_JSC_useDFGJIT"];

/**
 * The environment of every command the model runs: without the model's key, with the agent as author, and with a hook
 * that puts the run's trailers on each commit. Nothing is written to the checkout.
 */
export function commandEnv(env: Record<string, string | undefined>): Record<string, string> {
  const own: Record<string, string> = {};
  for (const [name, value] of Object.entries(env))
    if (value !== undefined && !WITHHELD.includes(name)) own[name] = value;
  return {
    ...own,
    GIT_AUTHOR_NAME: AGENT_AUTHOR.name,
    GIT_AUTHOR_EMAIL: AGENT_AUTHOR.email,
    GIT_COMMITTER_NAME: AGENT_AUTHOR.name,
    GIT_COMMITTER_EMAIL: AGENT_AUTHOR.email,
    GIT_TERMINAL_PROMPT: "0",
    GIT_EDITOR: "true", // a command that wants an editor must not wait for one
    GIT_PAGER: "cat",
    PAGER: "cat",
    GIT_CONFIG_COUNT: "1",
    GIT_CONFIG_KEY_0: "core.hooksPath",
    GIT_CONFIG_VALUE_0: hooksDir(env.HOME || tmpdir()),
  };
}

/** @param spareDir where the hook goes when the image has none; a home folder goes away with its run */
function hooksDir(spareDir: string): string {
  try {
    accessSync(join(IMAGE_HOOKS_DIR, HOOK_NAME), constants.X_OK);
    return IMAGE_HOOKS_DIR;
  } catch {
    const dir = mkdtempSync(join(spareDir, ".windshift-hooks-"));
    writeFileSync(join(dir, HOOK_NAME), hookText, { mode: 0o755 });
    return dir;
  }
}

import { readFileSync } from "node:fs";

/** What a rule may make of a line. */
const RULE_TYPES = ["content", "tool_start", "tool_output", "tool_done", "usage", "error"];

const { env } = process;
export const settings = readSettings();

/** Author and hook of the contract, and the names under which most agents look for their model. */
export function commandEnv() {
  return {
    ...env,
    GIT_AUTHOR_NAME: "windshift-agent",
    GIT_AUTHOR_EMAIL: "agent@windshift.local",
    GIT_COMMITTER_NAME: "windshift-agent",
    GIT_COMMITTER_EMAIL: "agent@windshift.local",
    GIT_TERMINAL_PROMPT: "0",
    GIT_EDITOR: "true",
    GIT_CONFIG_COUNT: "1",
    GIT_CONFIG_KEY_0: "core.hooksPath",
    GIT_CONFIG_VALUE_0: settings.hooksDir,
    OPENAI_BASE_URL: `${env.LLM_BASE_URL?.replace(/\/+$/, "")}/v1`,
    OPENAI_API_KEY: env.LLM_API_KEY ?? "",
  };
}

/** Everything wrong is said in one line on stderr, and nothing on stdout. */
function readSettings() {
  const problems = [];
  for (const name of ["AGENT_COMMAND", "LLM_BASE_URL", "LLM_MODEL"])
    if (!env[name]) problems.push(`${name} must be set`);
  if (env.LLM_BASE_URL && !/^https?:\/\/[^/\s]/.test(env.LLM_BASE_URL))
    problems.push("LLM_BASE_URL must be an http(s) address"); // not shown: it may hold a password
  let rules;
  try {
    if (env.AGENT_RULES) rules = JSON.parse(readFileSync(env.AGENT_RULES, "utf8"));
    if (rules?.some(({ when, emit }) => !when || !RULE_TYPES.includes(String(emit?.type))))
      throw new Error(`each has \`when\`, and \`emit\` with a type of ${RULE_TYPES.join(", ")}`);
  } catch (error) {
    problems.push(
      `AGENT_RULES must name a file with an array of rules: ${String(error).replace(/\s+/g, " ")}`,
    );
  }
  if (problems.length > 0) {
    process.stderr.write(`agent-wrapper: bad settings: ${problems.join("; ")}\n`);
    process.exit(2);
  }
  return {
    command: env.AGENT_COMMAND ?? "",
    followUp: env.AGENT_FOLLOW_UP_COMMAND ?? "",
    rules,
    // The hook that puts the run's trailers on each commit; the Dockerfile takes it from the agent image.
    hooksDir: env.AGENT_HOOKS_DIR || "/usr/local/share/windshift/git-hooks",
    workspace: env.WINDSHIFT_WORKSPACE || "/workspace",
  };
}

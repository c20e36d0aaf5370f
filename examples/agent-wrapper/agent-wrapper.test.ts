import { join, resolve } from "node:path";
import { agentContract } from "@windshift/testing/agent-contract.ts";

const WRAPPER = join(import.meta.dir, "wrapper/agent-wrapper.mjs");
const LOOP_AGENT = join(import.meta.dir, "loop-agent/loop-agent.js");
const AGENT_RULES = join(import.meta.dir, "loop-agent/rules.json");
/** In an image it lies where the wrapper looks by itself. */
const AGENT_HOOKS_DIR = resolve(import.meta.dir, "../../apps/agent/git-hooks");

/** How a model speaks to the loop agent: a fenced block is run, a reply without one is the end. */
const SPEECH = {
  command: (command: string) => ({ content: `I run this:\n\`\`\`sh\n${command}\n\`\`\`\n` }),
  finish: (summary: string) => ({ content: summary }),
};

for (const [name, program] of [
  ["Node", "node"],
  ["Bun", process.execPath],
] as const) {
  agentContract(`the wrapper on ${name}, plain text, nobody to read a message`, {
    argv: [program, WRAPPER],
    env: { AGENT_HOOKS_DIR, AGENT_COMMAND: `'${program}' '${LOOP_AGENT}'` },
    ...SPEECH,
    can: { steering: "none", toolEvents: "none", endsBackground: true },
  });

  agentContract(`the wrapper on ${name}, JSON lines, with a follow-up`, {
    argv: [program, WRAPPER],
    env: {
      AGENT_HOOKS_DIR,
      AGENT_COMMAND: `'${program}' '${LOOP_AGENT}' --json < "$PROMPT_FILE"`,
      AGENT_FOLLOW_UP_COMMAND: `'${program}' '${LOOP_AGENT}' --json`,
      AGENT_RULES,
    },
    ...SPEECH,
    can: { steering: "after_the_work", toolEvents: "with_exit_code", endsBackground: true },
  });
}

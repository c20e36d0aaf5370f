import { join } from "node:path";
import { agentContract } from "@windshift/testing/agent-contract.ts";

for (const LLM_STREAM of ["0", "1"])
  agentContract(`windshift-agent, LLM_STREAM=${LLM_STREAM}`, {
    argv: [process.execPath, join(import.meta.dir, "../main.ts")],
    env: { LLM_STREAM, LLM_TRIES: "2" },
    command: (command) => ({ tool_calls: [{ name: "bash", args: { command } }] }),
    finish: (summary) => ({ tool_calls: [{ name: "finish", args: { outcome: "completed", summary } }] }),
    can: { steering: "before_next_call", toolEvents: "with_exit_code", endsBackground: true },
  });

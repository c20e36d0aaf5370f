import { basename } from "node:path";
import { runAgent } from "@windshift/agent/program.ts";
import { AGENT_COMMANDS } from "@windshift/ws/command-table.ts";
import { runWs } from "@windshift/ws/program.ts";

/** Two programs in one executable, so that the runtime is carried once: called `ws` it is `ws`, else the agent. */
void (basename(process.argv0) === "ws" ? runWs(process.argv.slice(2), AGENT_COMMANDS) : runAgent());

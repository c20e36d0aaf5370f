import type { Command } from "./command.ts";
import { AGENT_COMMANDS } from "./command-table.ts";
import { completionCommand } from "./commands/completion.ts";
import { initCommands } from "./commands/init.ts";
import { loginCommands } from "./commands/login.ts";
import { mcpCommand } from "./commands/mcp.ts";

/** What a person's machine is given: all that agents have, and how to sign in and to connect editors. */
export const PERSON_COMMANDS: readonly Command[] = [
  ...AGENT_COMMANDS,
  ...loginCommands,
  ...initCommands,
  mcpCommand,
  completionCommand(() => PERSON_COMMANDS),
];

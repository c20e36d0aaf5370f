import type { Command } from "./command.ts";
import { commentCommands } from "./commands/comment.ts";
import { itemCommands } from "./commands/item.ts";
import { pageCommands } from "./commands/page.ts";
import { runCommands } from "./commands/run.ts";
import { skillCommands } from "./commands/skill.ts";

/** What an agent in a container is given; it starts in a few milliseconds and knows no sign-in. */
export const AGENT_COMMANDS: readonly Command[] = [
  ...itemCommands,
  ...commentCommands,
  ...pageCommands,
  ...skillCommands,
  ...runCommands,
];

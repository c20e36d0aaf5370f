import { PERSON_COMMANDS } from "./person-command-table.ts";
import { runWs } from "./program.ts";

void runWs(process.argv.slice(2), PERSON_COMMANDS);

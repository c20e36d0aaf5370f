import { runWs } from "./program.ts";

void runWs(process.argv.slice(2));

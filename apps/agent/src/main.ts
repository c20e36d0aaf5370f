import { runAgent } from "./program.ts";

void runAgent();

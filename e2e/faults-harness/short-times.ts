import { resolve } from "node:path";
import { plugin } from "bun";
import { z } from "zod";
import { shortened } from "./time-limits.ts";

/**
 * Loaded before a program (`bun --preload`): its named times are what time-limits.ts says, so that a lease lapses while a test looks on.
 * The program is otherwise the one that is shipped, which has no setting for this. FAULTS_TIMES has others for one program, as JSON.
 */
const others = z.record(z.string(), z.int()).parse(JSON.parse(process.env.FAULTS_TIMES ?? "{}"));
const SOURCES = resolve(import.meta.dir, "../..");

plugin({
  name: "short times",
  setup(build) {
    build.onLoad({ filter: /\/(apps|packages)\/[^/]+\/src\/.*\.ts$/ }, async ({ path }) => {
      const text = await Bun.file(path).text();
      return { contents: path.startsWith(SOURCES) ? shortened(text, others) : text, loader: "ts" };
    });
  },
});

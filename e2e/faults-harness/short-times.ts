import { resolve } from "node:path";
import { plugin } from "bun";
import { shortened } from "./time-limits.ts";

/**
 * Loaded before a program (`bun --preload`): its named times are what time-limits.ts says, so that a lease lapses while a test looks on.
 * The program is otherwise the one that is shipped, which has no setting for this.
 */
const SOURCES = resolve(import.meta.dir, "../..");

plugin({
  name: "short times",
  setup(build) {
    build.onLoad({ filter: /\/(apps|packages)\/[^/]+\/src\/.*\.ts$/ }, async ({ path }) => {
      const text = await Bun.file(path).text();
      return { contents: path.startsWith(SOURCES) ? shortened(text) : text, loader: "ts" };
    });
  },
});

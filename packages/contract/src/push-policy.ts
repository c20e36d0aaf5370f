import { z } from "zod";

/** What is done about something a push holds: refuse the push, or let it pass and say so on the run and the pull request. */
const Measure = z.enum(["refuse", "flag"]);

/**
 * What the commits of a run may hold, looked at before its branch moves. Windshift's own tokens are refused whatever stands
 * here.
 */
export const PushPolicy = z.object({
  /** Files that tell a forge's CI what to run: they would run with the CI's secrets. */
  ci_files: Measure.default("refuse"),
  /** CODEOWNERS, .gitmodules, .gitattributes, and `protected_paths`. */
  protected_files: Measure.default("flag"),
  /** Further paths: a file, a folder with a slash at its end, or a pattern with `*` and `**`. */
  protected_paths: z.array(z.string().min(1).max(500)).max(100).default([]),
  /** What looks like a credential. */
  secrets: Measure.default("refuse"),
});
export type PushPolicy = z.infer<typeof PushPolicy>;

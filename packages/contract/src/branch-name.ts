import { z } from "zod";

/** A branch name we are willing to hand to git: a strict subset of what git allows. */
export const BranchName = z
  .string()
  .max(200)
  .regex(
    /^(?!.*(?:\.\.|\/\/|\/\.|\.lock(?:\/|$)|\.(?:\/|$)))[A-Za-z0-9_][A-Za-z0-9._/-]*(?<!\/)$/,
    "a branch name such as main",
  );

import { isAbsolute } from "node:path";
import { z } from "zod";
import { formatByteSize, parseByteSize } from "./byte-size.ts";
import { formatDuration, parseDurationMs } from "./duration.ts";

/** Schemas of settings, each with the sentence that says what to write instead. */

export const textSetting = z.string();

/** @returns a number; `least` and `most` are of the same unit as the setting */
export function countSetting(least: number, most: number) {
  return z
    .string()
    .regex(/^\d{1,9}$/, "write a whole number")
    .transform(Number)
    .pipe(z.number().min(least, `must be at least ${least}`).max(most, `must be at most ${most}`));
}

/** `1`, `0` or unset; true for `1`. */
export const flagSetting = z
  .enum(["1", "0"], { message: "write 1, or leave it unset" })
  .optional()
  .transform((value) => value === "1");

/** Texts separated by commas; empty when unset. */
export const listSetting = z
  .string()
  .default("")
  .transform((value) => value.split(",").flatMap((part) => part.trim() || []));

/** @returns ms */
export function durationSetting(leastMs: number, mostMs: number) {
  return z
    .string()
    .transform((value, context) => {
      const ms = parseDurationMs(value);
      if (ms !== undefined) return ms;
      context.addIssue("write a duration such as 2s, 30s, 5m or 1h30m");
      return z.NEVER;
    })
    .pipe(
      z
        .number()
        .min(leastMs, `must be at least ${formatDuration(leastMs)}`)
        .max(mostMs, `must be at most ${formatDuration(mostMs)}`),
    );
}

/** @returns bytes */
export function byteSizeSetting(leastBytes: number) {
  return z
    .string()
    .transform((value, context) => {
      const bytes = parseByteSize(value);
      if (bytes !== undefined) return bytes;
      context.addIssue("write a size such as 500m or 20g");
      return z.NEVER;
    })
    .pipe(z.number().min(leastBytes, `must be at least ${formatByteSize(leastBytes)}`));
}

/** A folder that a container engine mounts. */
export const mountedFolderSetting = z
  .string()
  .refine(isAbsolute, "write an absolute path: the container engine mounts it by that path");

import { z } from "zod";

/** One reply of the model: a call of one tool, or a text. */
export const BenchTurn = z.union([
  z.strictObject({ tool: z.string(), args: z.record(z.string(), z.json()) }),
  z.strictObject({ text: z.string() }),
]);
export type BenchTurn = z.infer<typeof BenchTurn>;

/** From the benchmark to the model's process: play this from now on, or tell what was asked since then. */
export const ToModel = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("play"), turns: z.array(BenchTurn) }),
  z.strictObject({ kind: z.literal("tell") }),
]);
export type ToModel = z.infer<typeof ToModel>;

/** One request for a completion. */
export const ArrivedRequest = z.strictObject({
  /** When its headers were in, ms since 1970 with fractions; the clock of the machine, so comparable across processes. */
  atMs: z.number(),
  /** Of the body. */
  bytes: z.int().positive(),
});
export type ArrivedRequest = z.infer<typeof ArrivedRequest>;

/** The answers, one to each message and one at the start. */
export const FromModel = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("listening"), url: z.url() }),
  z.strictObject({ kind: z.literal("playing") }),
  z.strictObject({ kind: z.literal("asked"), requests: z.array(ArrivedRequest) }),
]);
export type FromModel = z.infer<typeof FromModel>;

/** @returns ms since 1970 with fractions, as `ArrivedRequest.atMs` */
export function machineMs(): number {
  return performance.timeOrigin + performance.now();
}

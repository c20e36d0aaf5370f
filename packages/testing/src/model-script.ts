import { readFileSync } from "node:fs";
import { z } from "zod";

/** One reply of the scripted model. */
export const ModelTurn = z.strictObject({
  content: z.string().optional(),
  tool_calls: z
    .array(
      z.strictObject({
        name: z.string().min(1),
        args: z.record(z.string(), z.json()),
        /** One of its own when absent. */
        id: z.string().optional(),
      }),
    )
    .optional(),
  /** As the provider counts it; made up from the sizes when absent. */
  usage: z.strictObject({ input_tokens: z.int().min(0), output_tokens: z.int().min(0) }).optional(),
  /** Wait before the reply, ms. */
  delay_ms: z.int().min(0).optional(),
  /** Answered in place of the reply: the first `times` requests of this turn, or all of them when `times` is absent. */
  error: z
    .strictObject({
      status: z.int().min(400).max(599),
      message: z.string(),
      times: z.int().positive().optional(),
    })
    .optional(),
  /** Served again for every turn that follows; only useful on the last one. */
  repeat: z.boolean().optional(),
});
export type ModelTurn = z.infer<typeof ModelTurn>;

/** `model.json`: the turns in order. */
export const ModelScript = z.array(ModelTurn).min(1);
export type ModelScript = z.infer<typeof ModelScript>;

/** @throws Error naming the file and every problem in it */
export function readModelScript(file: string): ModelScript {
  const parsed = ModelScript.safeParse(JSON.parse(readFileSync(file, "utf8")));
  if (!parsed.success) throw new Error(`${file} is not a model script:\n${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/** The turn a request is for: as many as the model has spoken before in this conversation. */
export function turnOf(script: ModelScript, spokenBefore: number): ModelTurn | undefined {
  const last = script.at(-1);
  return script[spokenBefore] ?? (last?.repeat ? last : undefined);
}

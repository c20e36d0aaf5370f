import { z } from "zod";
import { LABEL_NAME_CHARS_MAX } from "../limits.ts";
import { lineOfText } from "../text.ts";

/** `#1f6feb`: six lower-case hex digits. Whoever shows it chooses a text colour with enough contrast. */
export const LabelColor = z
  .string()
  .toLowerCase()
  .regex(/^#[0-9a-f]{6}$/, "a colour such as #1f6feb");

/** A label of a workspace, as it stands on its items. */
export const Label = z.object({ id: z.int(), name: z.string(), color: z.string() });
export type Label = z.infer<typeof Label>;

/** By name. `items_count` counts the items that have it. */
export const LabelList = z.object({ labels: z.array(Label.extend({ items_count: z.int() })) });
export type LabelList = z.infer<typeof LabelList>;

/** Names of a workspace's labels differ in more than case. */
export const NewLabel = z.strictObject({
  name: lineOfText(LABEL_NAME_CHARS_MAX),
  color: LabelColor.default("#868e96"),
});
export type NewLabel = z.infer<typeof NewLabel>;

export const LabelPatch = z.strictObject({
  name: lineOfText(LABEL_NAME_CHARS_MAX).optional(),
  color: LabelColor.optional(),
});
export type LabelPatch = z.infer<typeof LabelPatch>;

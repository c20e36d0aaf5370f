import { z } from "zod";
import { SKILL_BODY_BYTES_MAX, SKILL_DESCRIPTION_CHARS_MAX, SKILL_NAME_CHARS_MAX } from "../limits.ts";
import { lineOfText, longText } from "../text.ts";
import { UserRef } from "./user.ts";

const Name = lineOfText(SKILL_NAME_CHARS_MAX);
/** One line: it stands in the prompt's index and tells the agent when to read the skill. */
const Description = lineOfText(SKILL_DESCRIPTION_CHARS_MAX);
const Body = longText(SKILL_BODY_BYTES_MAX).refine((body) => body.trim() !== "", "a skill needs some text");

/** A skill in a list: a Markdown document that agents read when they need it. */
export const Skill = z.object({
  id: z.int(),
  name: z.string(),
  description: z.string(),
  /** One that is switched off is given to no run. */
  enabled: z.boolean(),
  /** Of its text; from 1, raised by every change of name, description or body. */
  version: z.int().positive(),
  /** Of the body, as `sha256sum` prints it. */
  sha256: z.string(),
  /** Of the body. */
  bytes: z.int(),
  /** Bindings that have it. */
  bindings_count: z.int(),
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
  updated_by: UserRef,
});
export type Skill = z.infer<typeof Skill>;

/** By name. A workspace has at most WORKSPACE_SKILLS_MAX, so that one page holds them all. */
export const SkillList = z.object({ skills: z.array(Skill) });
export type SkillList = z.infer<typeof SkillList>;

export const SkillDetail = Skill.extend({ body: z.string() });
export type SkillDetail = z.infer<typeof SkillDetail>;

/** Names are unique in a workspace, whatever their case. */
export const NewSkill = z.strictObject({
  name: Name,
  description: Description,
  body: Body,
  enabled: z.boolean().default(true),
});
export type NewSkill = z.infer<typeof NewSkill>;

/** With `expected_version` a change of a text that somebody else has changed since is refused: 409 `conflict`. */
export const SkillPatch = z.strictObject({
  name: Name.optional(),
  description: Description.optional(),
  body: Body.optional(),
  enabled: z.boolean().optional(),
  expected_version: z.int().positive().optional(),
});
export type SkillPatch = z.infer<typeof SkillPatch>;

/** A text that a skill has or had. */
export const SkillVersion = z.object({
  version: z.int().positive(),
  name: z.string(),
  description: z.string(),
  body: z.string(),
  sha256: z.string(),
  author: UserRef,
  created_at: z.iso.datetime(),
});
export type SkillVersion = z.infer<typeof SkillVersion>;

/** Newest first. `next_before` is the `before` of the next page (a version), null at the end. */
export const SkillVersionPage = z.object({
  versions: z.array(SkillVersion),
  next_before: z.int().nullable(),
});
export type SkillVersionPage = z.infer<typeof SkillVersionPage>;

/** A skill as the agent of a run sees it: `ws skill ls`. */
export const AttachedSkill = z.object({ name: z.string(), description: z.string(), version: z.int() });
export type AttachedSkill = z.infer<typeof AttachedSkill>;
export const AttachedSkillList = z.object({ skills: z.array(AttachedSkill) });
export type AttachedSkillList = z.infer<typeof AttachedSkillList>;

/** `ws skill get`: the text that was frozen when the run was queued. */
export const AttachedSkillDetail = AttachedSkill.extend({ body: z.string(), sha256: z.string() });
export type AttachedSkillDetail = z.infer<typeof AttachedSkillDetail>;

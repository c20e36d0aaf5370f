/** Tables of skills and of what a run was given and did. Migration 005. */
export type SkillsSchema = Record<never, never>;

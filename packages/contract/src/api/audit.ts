import { z } from "zod";

/** Who did it. `name` is the person's, agent's or runner's today, null when they are gone. */
export const AuditActor = z.object({
  kind: z.enum(["user", "run", "runner", "system"]),
  /** User id, run id or runner id as text; empty for the system. */
  id: z.string(),
  name: z.string().nullable(),
});
export type AuditActor = z.infer<typeof AuditActor>;

/** One line of the audit log. Texts are data: they may hold what an attacker typed. */
export const AuditLine = z.object({
  id: z.int(),
  at: z.iso.datetime(),
  /** Key of the workspace; null for what concerns the installation. */
  workspace: z.string().nullable(),
  actor: AuditActor,
  /** What was done, in the past tense: `connection.created`. */
  action: z.string(),
  /** What it was done to: `connection 4`. */
  subject: z.string(),
  /** Particulars; never a secret. */
  data: z.record(z.string(), z.unknown()),
});
export type AuditLine = z.infer<typeof AuditLine>;

/** Newest first. `next_before` is the `before` of the next page, null at the end. */
export const AuditPage = z.object({ entries: z.array(AuditLine), next_before: z.int().nullable() });
export type AuditPage = z.infer<typeof AuditPage>;

/** Longest text of one filter, characters. */
export const AUDIT_FILTER_CHARS_MAX = 200;
/**
 * Filters of the list and of the exports, all of them together.
 * The exports are `/api/v1/admin/audit/export.jsonl` and `.csv`, and the same below a workspace.
 */
export const AuditFilter = z.strictObject({
  /** User id, `run 4`, `runner 2` or `system`. */
  actor: z.string().max(AUDIT_FILTER_CHARS_MAX).optional(),
  /** An action, or its first part for all of a noun: `connection`. */
  action: z
    .string()
    .max(AUDIT_FILTER_CHARS_MAX)
    .regex(/^[a-z_.]*$/, "small letters, _ and .")
    .optional(),
  /** A part of the subject or of the particulars, in any case. */
  q: z.string().max(AUDIT_FILTER_CHARS_MAX).optional(),
  /** Key of a workspace. */
  workspace: z.string().max(10).optional(),
  /** From this day on, and to the end of that day (UTC). */
  from: z.iso.date().optional(),
  to: z.iso.date().optional(),
});
export type AuditFilter = z.infer<typeof AuditFilter>;

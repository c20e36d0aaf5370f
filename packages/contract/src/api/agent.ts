import { z } from "zod";

/**
 * Whether a run of an agent would start now. `available`: a live runner of its pool has a free place and the labels it asks for.
 * `busy`: runners are there, all places are taken. `offline`: no live runner could take it. `disabled`: its binding is switched
 * off. `unbound`: it has none.
 */
export const AgentAvailability = z.enum(["available", "busy", "offline", "disabled", "unbound"]);
export type AgentAvailability = z.infer<typeof AgentAvailability>;

/** An agent user as a picker shows it. */
export const Agent = z.object({
  user_id: z.string(),
  name: z.string(),
  /** How it is called in comments, without the `@`. */
  handle: z.string(),
  binding: z
    .object({
      id: z.int(),
      /** `owner/name` */
      repository: z.string(),
      base_branch: z.string(),
      /** Null: the server's own CODING_AGENT_LLM_MODEL. */
      model: z.string().nullable(),
      /** What a run may be given instead: the binding's own models and those that its connections list. */
      models: z.array(z.string()),
      pool: z.string(),
    })
    .nullable(),
  availability: AgentAvailability,
  /** A sentence: why, and what would help. */
  availability_text: z.string(),
  /** Places that live runners of the pool give to runs with its labels, those taken, and runs that wait in the pool. */
  places: z.int().min(0),
  places_taken: z.int().min(0),
  queued: z.int().min(0),
});
export type Agent = z.infer<typeof Agent>;

/** By name. */
export const AgentList = z.object({ agents: z.array(Agent) });
export type AgentList = z.infer<typeof AgentList>;

/** Exit codes of the agent. 0 without a `finish` line counts as failed. Alone in a file: the agent starts without zod. */
export const AGENT_EXIT = { ok: 0, failed: 1, badSettings: 2, apiUnreachable: 69 } as const;

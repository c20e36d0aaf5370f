import type { Agent, AgentAvailability } from "@windshift/contract/api/agent.ts";

export const AVAILABILITY_TEXT: Record<AgentAvailability, string> = {
  available: "Available",
  busy: "Busy",
  offline: "Offline",
  disabled: "Switched off",
  unbound: "Not set up",
};

/** Whether an agent would begin now: a dot and a word. */
export function AgentHint({ agent }: { agent: Agent }) {
  const { availability, places_taken, places, queued } = agent;
  const counts =
    availability === "busy"
      ? `, ${places_taken} of ${places} places taken${queued > 0 ? `, ${queued} waiting` : ""}`
      : "";
  return (
    <span className={`agent-hint agent-${availability}`}>
      <span className="agent-dot" aria-hidden />
      {AVAILABILITY_TEXT[availability]}
      {counts}
    </span>
  );
}

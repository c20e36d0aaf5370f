import {
  IconAlertTriangle,
  IconCircleCheck,
  IconCircleDashed,
  IconCircleX,
  IconHandStop,
  IconLoader2,
  IconMinus,
} from "@tabler/icons-react";
import type { RunStatus } from "@windshift/contract/run.ts";
import { STATUS_TEXT } from "./run-words.ts";

const ICONS: Record<RunStatus, typeof IconMinus> = {
  queued: IconCircleDashed,
  running: IconLoader2,
  waiting: IconHandStop,
  succeeded: IconCircleCheck,
  failed: IconCircleX,
  canceled: IconMinus,
  killed: IconAlertTriangle,
};

/** How a run is, as an icon and a word. */
export function RunBadge({ status }: { status: RunStatus }) {
  const Icon = ICONS[status];
  return (
    <span className={`run-badge run-${status}`}>
      <Icon size={16} stroke={1.8} aria-hidden />
      {STATUS_TEXT[status]}
    </span>
  );
}

/** The agent ran with the rights of the server itself. */
export function IsolationBadge({ isolation }: { isolation: string | null }) {
  if (isolation !== "unsandboxed") return null;
  return (
    <span className="run-badge run-failed">
      <IconAlertTriangle size={16} stroke={1.8} aria-hidden />
      Unsafe: not sandboxed
    </span>
  );
}

import type { WorkItem } from "@windshift/contract/api/work-item.ts";

const RUN_TEXT: Partial<Record<NonNullable<WorkItem["active_run"]>["status"], string>> = {
  queued: "Run queued",
  running: "Agent at work",
  waiting: "Agent waits for you",
};

/** Whether an agent is at work on an item, in a word or two. */
export function ActiveRun({ run }: { run: WorkItem["active_run"] }) {
  if (run === null) return null;
  return (
    <span className={`active-run active-run-${run.status}`}>
      <span className="active-run-dot" aria-hidden />
      {RUN_TEXT[run.status] ?? "Run"}
    </span>
  );
}

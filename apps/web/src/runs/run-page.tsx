import { useSuspenseQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { allows } from "@windshift/contract/api/workspace.ts";
import { RunId, WorkItemKey } from "@windshift/contract/ids.ts";
import { isTerminal } from "@windshift/contract/run.ts";
import { useRole } from "../api/me.ts";
import { PageHead } from "../parts/page-head.tsx";
import { visibleText } from "../parts/visible-text.ts";
import { paths } from "../paths.ts";
import { NotFoundPage } from "../shell/error-page.tsx";
import { PlainLink } from "../tracker/plain-link.tsx";
import { RerunButton } from "./rerun-dialog.tsx";
import { runQuery } from "./run-queries.ts";
import { RunView } from "./run-view.tsx";

/** A run with the whole width for itself. */
export function RunPage() {
  const params = useParams({ strict: false }) as { item?: string; run?: string };
  const item = WorkItemKey.safeParse(params.item);
  const run = RunId.safeParse(/^[1-9]\d*$/.test(params.run ?? "") ? Number(params.run) : undefined);
  if (!item.success || !run.success) return <NotFoundPage />;
  return <Run key={run.data} itemKey={item.data} runId={run.data} />;
}

function Run({ itemKey, runId }: { itemKey: string; runId: number }) {
  const run = useSuspenseQuery(runQuery(runId)).data;
  const workspace = itemKey.slice(0, itemKey.indexOf("-"));
  const role = useRole(workspace) ?? "viewer";
  // The address says which item it belongs to; another item's run is not here.
  if (run.item_key !== itemKey) return <NotFoundPage />;
  const again = allows(role, "member") && isTerminal(run.status) && run.trigger !== "test";
  return (
    <div className="run-page">
      <PageHead title={`Run ${run.id} of ${run.item_key}`}>{again && <RerunButton run={run} />}</PageHead>
      <p className="run-crumbs">
        <PlainLink to={paths.item(run.item_key)}>
          {run.item_key} {visibleText(run.item_title)}
        </PlainLink>
      </p>
      <RunView runId={runId} role={role} alone />
    </div>
  );
}

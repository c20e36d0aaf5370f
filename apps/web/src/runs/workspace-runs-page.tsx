import { Group, NativeSelect } from "@mantine/core";
import { useQuery, useSuspenseInfiniteQuery } from "@tanstack/react-query";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import type { AgentRun } from "@windshift/contract/api/run.ts";
import { WorkspaceKey } from "@windshift/contract/ids.ts";
import { RunStatus } from "@windshift/contract/run.ts";
import { Suspense } from "react";
import { EmptyState } from "../parts/empty-state.tsx";
import { MoreButton } from "../parts/more-button.tsx";
import { PageHead } from "../parts/page-head.tsx";
import { durationText, TimeText } from "../parts/time-text.tsx";
import { visibleText } from "../parts/visible-text.ts";
import { paths } from "../paths.ts";
import { PullRequestBadge } from "../pull-requests/pull-request-badge.tsx";
import { agentsQuery } from "../settings/settings-queries.ts";
import { NotFoundPage } from "../shell/error-page.tsx";
import { PagePending } from "../shell/page-pending.tsx";
import { type SearchParams, valuesOf } from "../shell/search-params.ts";
import { PlainLink } from "../tracker/plain-link.tsx";
import { RunBadge } from "./run-badge.tsx";
import { type RunFilter, workspaceRunsQuery } from "./run-queries.ts";
import { PHASE_NAME, STATUS_TEXT, TRIGGER_TEXT } from "./run-words.ts";

/** The runs of a workspace, newest first; the address says which. */
export function WorkspaceRunsPage() {
  const { workspace } = useParams({ strict: false }) as { workspace?: string };
  const key = WorkspaceKey.safeParse(workspace);
  const search = useSearch({ strict: false }) as SearchParams;
  if (!key.success) return <NotFoundPage />;
  const statuses = valuesOf(search, "status").filter((status) => RunStatus.safeParse(status).success);
  const filter = { status: statuses, agent: valuesOf(search, "agent")[0] ?? "" };
  return (
    <>
      <PageHead title={`Runs of ${key.data}`} />
      <Filters workspace={key.data} filter={filter} />
      <Suspense fallback={<PagePending />}>
        <Runs workspace={key.data} filter={filter} />
      </Suspense>
    </>
  );
}

function Filters({ workspace, filter }: { workspace: string; filter: RunFilter }) {
  const navigate = useNavigate();
  const agents = useQuery(agentsQuery(workspace)).data?.agents ?? [];
  const show = (change: Partial<RunFilter>) =>
    void navigate({ to: paths.runs(workspace), search: { ...filter, ...change }, replace: true });
  return (
    <Group gap="sm" mb="md" align="end" className="runs-filters">
      <NativeSelect
        label="Agent"
        size="xs"
        value={filter.agent}
        onChange={(event) => show({ agent: event.currentTarget.value })}
        data={[
          { value: "", label: "All agents" },
          ...agents.map(({ user_id, name }) => ({ value: user_id, label: visibleText(name) })),
        ]}
      />
      <Group gap={6} role="group" aria-label="Status">
        {RunStatus.options.map((status) => (
          <label key={status} className="chip">
            <input
              type="checkbox"
              checked={filter.status.includes(status)}
              onChange={({ currentTarget: { checked } }) =>
                show({
                  status: checked
                    ? [...filter.status, status]
                    : filter.status.filter((other) => other !== status),
                })
              }
            />
            {STATUS_TEXT[status]}
          </label>
        ))}
      </Group>
    </Group>
  );
}

function Runs({ workspace, filter }: { workspace: string; filter: RunFilter }) {
  const list = useSuspenseInfiniteQuery(workspaceRunsQuery(workspace, filter));
  const runs = list.data.pages.flatMap((page) => page.runs);
  if (runs.length === 0)
    return filter.status.length > 0 || filter.agent !== "" ? (
      <EmptyState title="No such runs">Take a filter away to see others.</EmptyState>
    ) : (
      <EmptyState title="No runs yet">Assign a work item to an agent to start one.</EmptyState>
    );
  return (
    <>
      <ul className="runs-list">
        {runs.map((run) => (
          <li key={run.id}>
            <RunRow run={run} />
          </li>
        ))}
      </ul>
      <MoreButton list={list}>Show more</MoreButton>
    </>
  );
}

function RunRow({ run }: { run: AgentRun }) {
  return (
    <>
      <span className="runs-list-state">
        <RunBadge status={run.status} />
        {run.status === "running" && run.phase !== null && (
          <span className="run-quiet">{PHASE_NAME[run.phase]}</span>
        )}
      </span>
      <span className="runs-list-item">
        <PlainLink to={paths.run(run.item_key, run.id)}>
          {run.item_key} {visibleText(run.item_title)}
        </PlainLink>
        <span className="run-quiet">
          Run {run.id} · {visibleText(run.agent.name)} · {TRIGGER_TEXT[run.trigger]} by{" "}
          {visibleText(run.requested_by.name)}
          {run.model !== null && ` · ${visibleText(run.model)}`}
          {run.queued_because !== null && ` · ${run.queued_because.text}`}
        </span>
      </span>
      <span className="runs-list-result">
        {run.pull_request !== null && (
          <PullRequestBadge state={run.pull_request.state} draft={run.pull_request.draft} />
        )}
      </span>
      <span className="runs-list-time run-quiet">
        <TimeText at={run.created_at} />
        {run.started_at !== null && run.ended_at !== null && (
          <> · {durationText(Date.parse(run.ended_at) - Date.parse(run.started_at))}</>
        )}
      </span>
    </>
  );
}

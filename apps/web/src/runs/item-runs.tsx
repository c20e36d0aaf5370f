import {
  type InfiniteData,
  type UseSuspenseInfiniteQueryResult,
  useSuspenseInfiniteQuery,
} from "@tanstack/react-query";
import type { AgentRun, AgentRunPage } from "@windshift/contract/api/run.ts";
import { allows, type Role } from "@windshift/contract/api/workspace.ts";
import { isTerminal } from "@windshift/contract/run.ts";
import { useEffect, useState } from "react";
import { RerunButton } from "./rerun-dialog.tsx";
import { RunLine } from "./run-line.tsx";
import { itemRunsQuery } from "./run-queries.ts";
import { RunView } from "./run-view.tsx";

/** Older runs that are shown before somebody asks for the rest. */
const SHOWN_MAX = 5;

/** The runs of an item, newest first; the newest is open, and its transcript live. */
export function ItemRuns({ itemKey, role }: { itemKey: string; role: Role }) {
  const read = useSuspenseInfiniteQuery(itemRunsQuery(itemKey));
  const runs = read.data.pages.flatMap((page) => page.runs);
  const [all, setAll] = useState(false);
  const more = useOlderRuns(read);
  const [newest, ...older] = runs;
  const mayRun = allows(role, "member");
  return (
    <section aria-labelledby="runs-title" className="runs">
      <header className="runs-head">
        <h2 id="runs-title">Agent runs</h2>
        {mayRun && newest !== undefined && isTerminal(newest.status) && <RerunButton run={newest} />}
      </header>
      {newest === undefined && (
        <p className="quiet">No runs yet. Assign the item to an agent to start one.</p>
      )}
      {newest !== undefined && <RunView key={newest.id} runId={newest.id} role={role} />}
      {older.slice(0, all ? undefined : SHOWN_MAX).map((run) => (
        <OlderRun key={run.id} run={run} role={role} />
      ))}
      {!all && older.length > SHOWN_MAX && (
        <button type="button" className="runs-more" onClick={() => setAll(true)}>
          {older.length - SHOWN_MAX}
          {read.hasNextPage && " or more"} earlier runs
        </button>
      )}
      {all && read.hasNextPage && (
        <button type="button" className="runs-more" disabled={more.busy} onClick={more.ask}>
          {more.busy ? "Loading older runs…" : "Older runs"}
        </button>
      )}
    </section>
  );
}

/**
 * One more answer of the list. What makes the list old meanwhile, such as a run that goes on, has it read anew and breaks off the
 * answer that was asked for: it is asked for again then.
 */
function useOlderRuns(read: UseSuspenseInfiniteQueryResult<InfiniteData<AgentRunPage>>) {
  const { data, hasNextPage, isFetching, isFetchNextPageError, fetchNextPage } = read;
  const [wanted, setWanted] = useState(0);
  const open = wanted > data.pages.length && hasNextPage && !isFetchNextPageError;
  useEffect(() => {
    if (open && !isFetching) void fetchNextPage();
  }, [open, isFetching, fetchNextPage]);
  const ask = () => {
    setWanted(data.pages.length + 1);
    void fetchNextPage();
  };
  return { busy: open, ask };
}

/** A line that unfolds to the whole run. */
function OlderRun({ run, role }: { run: AgentRun; role: Role }) {
  const [open, setOpen] = useState(false);
  return (
    <details className="run-older" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <RunLine run={run} />
      </summary>
      {open && <RunView runId={run.id} role={role} />}
    </details>
  );
}

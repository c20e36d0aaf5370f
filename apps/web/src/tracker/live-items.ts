import { useQueryClient } from "@tanstack/react-query";
import { ItemChanges } from "@windshift/contract/api/work-item.ts";
import { useEffect, useRef } from "react";
import { useEvents } from "../api/event-stream.ts";

/** Lists are asked anew at most this often, ms: a run changes its item many times in a second. */
const REFRESH_MS = 400;
/**
 * What changed between the first reading of a page and the opening of its stream is asked for this much later, ms: most often
 * nothing, and the page has better to do while it is drawn for the first time.
 */
const FIRST_REFRESH_MS = 2_000;

/**
 * Keeps what is shown of a workspace's items as the server has it, as long as the component stands. After a lost connection
 * everything is asked for anew, as nobody knows what was missed.
 */
export function useLiveItems(workspace: string | undefined): void {
  const client = useQueryClient();
  const changed = useRef(new Set<string>());
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const opened = useRef(false);
  const patient = useRef(false);
  useEffect(() => () => clearTimeout(timer.current), []);
  const refreshIn = (ms: number) => {
    // Something real does not wait for what is most often nothing.
    if (timer.current !== undefined && !patient.current) return;
    clearTimeout(timer.current);
    patient.current = ms === FIRST_REFRESH_MS;
    timer.current = setTimeout(refresh, ms);
  };
  const refresh = () => {
    timer.current = undefined;
    patient.current = false;
    const keys = [...changed.current];
    changed.current.clear();
    for (const name of ["items", "item-counts"]) void client.invalidateQueries({ queryKey: [name] });
    void client.invalidateQueries({ queryKey: ["activity", workspace] });
    if (keys.includes(ALL)) void client.invalidateQueries({ queryKey: ["settings", workspace, "labels"] });
    for (const key of keys)
      for (const name of ["item", "comments", "activity"])
        void client.invalidateQueries({ queryKey: key === ALL ? [name] : [name, key] });
  };
  useEvents(
    workspace === undefined ? undefined : () => `/api/v1/workspaces/${workspace}/changes/stream`,
    ["changed"],
    (_name, data) => {
      const parsed = ItemChanges.safeParse(JSON.parse(data));
      const changes = parsed.success ? parsed.data : { all: true as const };
      // The first event of a stream names nothing: it says that from here on nothing is missed.
      const first = !opened.current;
      opened.current = true;
      const keys = "all" in changes || changes.keys.length === 0 ? [ALL] : changes.keys;
      for (const key of keys) changed.current.add(key);
      refreshIn(first ? FIRST_REFRESH_MS : REFRESH_MS);
    },
  );
}

const ALL = "*";

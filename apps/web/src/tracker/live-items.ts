import { useQueryClient } from "@tanstack/react-query";
import { ItemChanges } from "@windshift/contract/api/work-item.ts";
import { useEffect, useRef } from "react";
import { useEventStream } from "../api/event-stream.ts";

/** Lists are asked anew at most this often, ms: a run changes its item many times in a second. */
const REFRESH_MS = 400;

/**
 * Keeps what is shown of a workspace's items as the server has it, as long as the component stands. After a lost connection
 * everything is asked for anew, as nobody knows what was missed.
 */
export function useLiveItems(workspace: string | undefined): void {
  const client = useQueryClient();
  const changed = useRef(new Set<string>());
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const refresh = () => {
    timer.current = undefined;
    const keys = [...changed.current];
    changed.current.clear();
    for (const name of ["items", "item-counts"]) void client.invalidateQueries({ queryKey: [name] });
    void client.invalidateQueries({ queryKey: ["activity", workspace] });
    for (const key of keys)
      for (const name of ["item", "comments", "activity"])
        void client.invalidateQueries({ queryKey: key === ALL ? [name] : [name, key] });
  };
  useEventStream(
    workspace === undefined ? undefined : () => `/api/v1/workspaces/${workspace}/changes/stream`,
    ["changed"],
    (_name, data) => {
      const parsed = ItemChanges.safeParse(JSON.parse(data));
      const changes = parsed.success ? parsed.data : { all: true as const };
      // The first event of a stream names nothing: it says that from here on nothing is missed.
      const keys = "all" in changes || changes.keys.length === 0 ? [ALL] : changes.keys;
      for (const key of keys) changed.current.add(key);
      timer.current ??= setTimeout(refresh, REFRESH_MS);
    },
  );
}

const ALL = "*";

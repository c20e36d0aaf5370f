import type { WorkItemStatus } from "@windshift/contract/api/work-item.ts";
import { useSyncExternalStore } from "react";

/** What lies over the page, opened from anywhere by a key or a button. */
export type Overlay =
  | { kind: "palette" }
  | { kind: "shortcuts" }
  | { kind: "new-item"; workspace?: string; parent?: string; status?: WorkItemStatus };

let open: Overlay | undefined;
const watchers = new Set<() => void>();

/** Shows an overlay in place of the one that is open, if any. */
export function openOverlay(overlay: Overlay): void {
  change(overlay);
}

/** Closes whichever is open; none is fine. */
export function closeOverlay(): void {
  change(undefined);
}

/** The overlay that is open, to whoever draws it. */
export function useOverlay(): Overlay | undefined {
  return useSyncExternalStore(watch, () => open);
}

function change(next: Overlay | undefined): void {
  open = next;
  for (const watcher of watchers) watcher();
}

function watch(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

import { Alert } from "@mantine/core";
import { useSyncExternalStore } from "react";

/** A sentence at the edge of the screen: that something was done, or why not. */
export interface Notice {
  id: number;
  text: string;
  kind: "done" | "failed";
}

/** How long a notice stays, ms; failures stay until they are closed. */
const NOTICE_MS = 5_000;
/** Older ones make room. */
const NOTICES_MAX = 4;

let notices: readonly Notice[] = [];
let lastId = 0;
const watchers = new Set<() => void>();

/** Says that something was done. */
export function sayDone(text: string): void {
  const id = add({ text, kind: "done" });
  setTimeout(() => close(id), NOTICE_MS);
}

/** Says why something was not done. */
export function sayFailed(error: unknown): void {
  add({ text: error instanceof Error ? error.message : String(error), kind: "failed" });
}

/** The notices of now over every page, said by screen readers as they come; each can be closed. */
export function NoticeStack() {
  const shown = useSyncExternalStore(watch, () => notices);
  return (
    <div className="notices" role="status" aria-live="polite">
      {shown.map(({ id, text, kind }) => (
        <Alert
          key={id}
          color={kind === "done" ? "green" : "red"}
          variant="default"
          className={`notice notice-${kind}`}
          withCloseButton
          closeButtonLabel="Close this notice"
          onClose={() => close(id)}
        >
          {text}
        </Alert>
      ))}
    </div>
  );
}

function add(notice: Omit<Notice, "id">): number {
  lastId += 1;
  notices = [...notices, { ...notice, id: lastId }].slice(-NOTICES_MAX);
  tell();
  return lastId;
}

function close(id: number): void {
  notices = notices.filter((notice) => notice.id !== id);
  tell();
}

function watch(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

function tell(): void {
  for (const watcher of watchers) watcher();
}

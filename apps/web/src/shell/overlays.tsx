import { useNavigate } from "@tanstack/react-router";
import { lazy, Suspense, useEffect } from "react";
import { paths } from "../paths.ts";
import { useHere } from "./here.ts";
import { openOverlay, useOverlay } from "./overlay.ts";
import { useShortcutKeys, useShortcuts } from "./shortcuts.ts";

const load = () => import("./overlay-pages.ts");
const CommandPalette = lazy(async () => ({ default: (await load()).CommandPalette }));
const ShortcutHelp = lazy(async () => ({ default: (await load()).ShortcutHelp }));
const NewItemDialog = lazy(async () => ({ default: (await load()).NewItemDialog }));
/** A page has been at rest for so long when what opens over it is fetched, ms: the first key is answered at once then. */
const AT_REST_MS = 3_000;

/** What can be opened over any page, and the keys that work on all of them. */
export function Overlays() {
  const overlay = useOverlay();
  useShortcutKeys();
  usePageKeys();
  useEffect(() => {
    const timer = setTimeout(() => void load().catch(() => undefined), AT_REST_MS);
    return () => clearTimeout(timer);
  }, []);
  if (overlay === undefined) return null;
  return (
    <Suspense>
      {overlay.kind === "palette" && <CommandPalette />}
      {overlay.kind === "shortcuts" && <ShortcutHelp />}
      {overlay.kind === "new-item" && <NewItemDialog {...overlay} />}
    </Suspense>
  );
}

function usePageKeys(): void {
  const navigate = useNavigate();
  const { workspace, role } = useHere();
  const go = (to: string) => void navigate({ to });
  const inWorkspace = (path: (key: string) => string) => () => workspace !== undefined && go(path(workspace));
  const group = "Anywhere";
  useShortcuts([
    { keys: "mod+k", does: "Find or do something", group, run: () => openOverlay({ kind: "palette" }) },
    { keys: "?", does: "Show these keys", group, run: () => openOverlay({ kind: "shortcuts" }) },
    ...(role === undefined || role === "viewer"
      ? []
      : [
          {
            keys: "c",
            does: "Create a work item",
            group,
            run: () => openOverlay({ kind: "new-item", ...(workspace === undefined ? {} : { workspace }) }),
          },
        ]),
    { keys: "g m", does: "Go to my work", group: "Go to", run: () => go(paths.myWork) },
    { keys: "g i", does: "Go to the inbox", group: "Go to", run: () => go(paths.inbox) },
    { keys: "g l", does: "Go to the list of work items", group: "Go to", run: inWorkspace(paths.items) },
    { keys: "g b", does: "Go to the board", group: "Go to", run: inWorkspace(paths.board) },
    { keys: "g p", does: "Go to the pages", group: "Go to", run: inWorkspace(paths.pages) },
    { keys: "g r", does: "Go to the runs", group: "Go to", run: inWorkspace(paths.runs) },
    { keys: "g a", does: "Go to the activity", group: "Go to", run: inWorkspace(paths.activity) },
  ]);
}

import { IconBookmark, IconUsers } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import type { SavedView, ViewLayout } from "@windshift/contract/api/view.ts";
import type { ItemQuery } from "@windshift/contract/api/work-item.ts";
import { lazy, Suspense, useState } from "react";
import { useMe, useRole } from "../api/me.ts";
import { MenuButton } from "../parts/menu-button.tsx";
import { visibleText } from "../parts/visible-text.ts";
import { paths } from "../paths.ts";
import { stringifySearch } from "../shell/search-params.ts";
import { viewsQuery } from "./view-queries.ts";

/** Lists and boards that somebody gave a name, and the way to keep the present one. */
export function ViewMenu(props: {
  workspace: string;
  layout: ViewLayout;
  query: ItemQuery;
  mayShare: boolean;
}) {
  const { workspace } = props;
  const me = useMe();
  const admin = useRole(workspace) === "admin";
  const views = useQuery(viewsQuery(workspace)).data?.views ?? [];
  const [dialog, setDialog] = useState<"save" | "manage">();
  const changeable = views.filter(({ owner }) => admin || owner.id === me.id);
  const close = () => setDialog(undefined);
  return (
    <>
      <MenuButton
        className="pick pick-framed"
        align="end"
        lines={() => [
          ...(views.length === 0 ? [{ kind: "label" as const, text: "No saved views yet" }] : []),
          ...views.map((view) => ({
            kind: "go" as const,
            to: addressOf(view, workspace),
            text: nameOf(view),
          })),
          { kind: "line" },
          { kind: "do", text: "Save this view…", run: () => setDialog("save") },
          ...(changeable.length === 0
            ? []
            : [{ kind: "do" as const, text: "Change views…", run: () => setDialog("manage") }]),
        ]}
      >
        <IconBookmark size={14} aria-hidden />
        Views
      </MenuButton>
      <Suspense>
        {dialog === "save" && <SaveViewDialog {...props} changeable={changeable} onClose={close} />}
        {dialog === "manage" && <ManageViewsDialog {...props} views={changeable} onClose={close} />}
      </Suspense>
    </>
  );
}

const SaveViewDialog = lazy(async () => ({
  default: (await import("../shell/overlay-pages.ts")).SaveViewDialog,
}));
const ManageViewsDialog = lazy(async () => ({
  default: (await import("../shell/overlay-pages.ts")).ManageViewsDialog,
}));

function addressOf({ layout, query }: SavedView, workspace: string): string {
  return (layout === "board" ? paths.board(workspace) : paths.items(workspace)) + stringifySearch(query);
}

function nameOf({ name, shared }: SavedView) {
  return (
    <span className="pick-option">
      <span className="pick-text">{visibleText(name)}</span>
      {shared && <IconUsers size={14} role="img" aria-label="Shared" />}
    </span>
  );
}

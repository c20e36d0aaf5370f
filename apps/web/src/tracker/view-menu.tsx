import { Button, Menu } from "@mantine/core";
import { IconBookmark, IconUsers } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import type { SavedView, ViewLayout } from "@windshift/contract/api/view.ts";
import type { ItemQuery } from "@windshift/contract/api/work-item.ts";
import { useState } from "react";
import { sendApi } from "../api/api.ts";
import { useMe, useRole } from "../api/me.ts";
import { AppLink } from "../parts/app-link.tsx";
import { paths } from "../paths.ts";
import { sayDone } from "../shell/notices.tsx";
import { stringifySearch } from "../shell/search-params.ts";
import { AskDialog } from "./ask-dialog.tsx";
import { SaveViewDialog } from "./save-view-dialog.tsx";
import { viewsQuery } from "./view-queries.ts";

/** Lists and boards that somebody gave a name, and the way to keep the present one. */
export function ViewMenu(props: {
  workspace: string;
  layout: ViewLayout;
  query: ItemQuery;
  mayShare: boolean;
}) {
  const { workspace, layout, query, mayShare } = props;
  const me = useMe();
  const admin = useRole(workspace) === "admin";
  const client = useQueryClient();
  const views = useQuery(viewsQuery(workspace)).data?.views ?? [];
  const [saving, setSaving] = useState(false);
  const [dropping, setDropping] = useState<SavedView>();
  const drop = async () => {
    if (dropping === undefined) return;
    await sendApi("DELETE", `/api/v1/views/${dropping.id}`);
    await client.invalidateQueries({ queryKey: viewsQuery(workspace).queryKey });
    sayDone(`The view ${dropping.name} was deleted.`);
  };
  const changeable = views.filter(({ owner }) => admin || owner.id === me.id);
  return (
    <>
      <Menu position="bottom-end" width={260}>
        <Menu.Target>
          <Button variant="default" size="compact-sm" leftSection={<IconBookmark size={14} aria-hidden />}>
            Views
          </Button>
        </Menu.Target>
        <Menu.Dropdown className="view-menu">
          {views.length === 0 && <Menu.Label>No saved views yet</Menu.Label>}
          {views.map((view) => (
            <Menu.Item
              key={view.id}
              component={AppLink}
              href={
                (view.layout === "board" ? paths.board(workspace) : paths.items(workspace)) +
                stringifySearch(view.query)
              }
              rightSection={view.shared ? <IconUsers size={14} role="img" aria-label="Shared" /> : undefined}
            >
              {view.name}
            </Menu.Item>
          ))}
          <Menu.Divider />
          <Menu.Item onClick={() => setSaving(true)}>Save this view…</Menu.Item>
          {changeable.length > 0 && (
            <Menu.Sub>
              <Menu.Sub.Target>
                <Menu.Sub.Item>Delete a view</Menu.Sub.Item>
              </Menu.Sub.Target>
              <Menu.Sub.Dropdown>
                {changeable.map((view) => (
                  <Menu.Item key={view.id} onClick={() => setDropping(view)}>
                    {view.name}
                  </Menu.Item>
                ))}
              </Menu.Sub.Dropdown>
            </Menu.Sub>
          )}
        </Menu.Dropdown>
      </Menu>
      {saving && (
        <SaveViewDialog
          workspace={workspace}
          layout={layout}
          query={query}
          mayShare={mayShare}
          changeable={changeable}
          onClose={() => setSaving(false)}
        />
      )}
      <AskDialog
        open={dropping !== undefined}
        onClose={() => setDropping(undefined)}
        title={`Delete the view ${dropping?.name ?? ""}?`}
        verb="Delete view"
        onConfirm={drop}
      >
        {dropping?.shared ? "It is gone for everybody in the workspace." : "Only you see it."} The items stay.
      </AskDialog>
    </>
  );
}

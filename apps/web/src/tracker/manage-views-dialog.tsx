import { Button, Checkbox, Group, Text, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { SavedView, type ViewLayout, type ViewPatch } from "@windshift/contract/api/view.ts";
import type { ItemQuery } from "@windshift/contract/api/work-item.ts";
import { NAME_CHARS_MAX } from "@windshift/contract/limits.ts";
import { type FormEvent, useState } from "react";
import { callApi, sendApi } from "../api/api.ts";
import { useApiForm } from "../parts/api-form.ts";
import { Dialog } from "../parts/dialog.tsx";
import { visibleText } from "../parts/visible-text.ts";
import { sayDone } from "../shell/notices.tsx";
import { viewsQuery } from "./view-queries.ts";

interface Shown {
  workspace: string;
  /** What the page behind shows, which a view can be made to show too. */
  layout: ViewLayout;
  query: ItemQuery;
  mayShare: boolean;
}

/** Renames views, shares them, makes them show what is shown now, and deletes them. */
export function ManageViewsDialog(props: Shown & { views: readonly SavedView[]; onClose(): void }) {
  const { views, onClose, ...shown } = props;
  return (
    <Dialog title="Change views" size="lg" onClose={onClose}>
      {views.length === 0 && <Text size="sm">You have no saved views.</Text>}
      <ul className="managed-views">
        {views.map((view) => (
          <li key={view.id}>
            <ViewRow view={view} shown={shown} />
          </li>
        ))}
      </ul>
    </Dialog>
  );
}

function ViewRow({ view, shown }: { view: SavedView; shown: Shown }) {
  const client = useQueryClient();
  const [name, setName] = useState(view.name);
  const [shared, setShared] = useState(view.shared);
  const [asking, setAsking] = useState(false);
  const form = useApiForm(["name"]);
  const send = async (done: string, work: () => Promise<unknown>) => {
    if (form.busy || !(await form.submit(work))) return false;
    await client.invalidateQueries({ queryKey: viewsQuery(shown.workspace).queryKey });
    sayDone(done);
    return true;
  };
  const patch = (body: ViewPatch, done: string) =>
    send(done, () => callApi("PATCH", `/api/v1/views/${view.id}`, SavedView, body));
  const rename = (event: FormEvent) => {
    event.preventDefault();
    void patch({ name }, `The view is called ${name.trim()} now.`);
  };
  const share = async (next: boolean) => {
    setShared(next);
    const done = next ? `Everybody sees ${view.name} now.` : `Only you see ${view.name} now.`;
    if (!(await patch({ shared: next }, done))) setShared(!next);
  };
  const update = () =>
    patch({ layout: shown.layout, query: shown.query }, `The view ${view.name} shows what is shown now.`);
  const drop = () =>
    send(`The view ${view.name} was deleted.`, () => sendApi("DELETE", `/api/v1/views/${view.id}`));
  return (
    <form onSubmit={rename} aria-label={`View ${visibleText(view.name)}`}>
      <Group gap="xs" align="flex-end">
        <TextInput
          label="Name"
          className="view-name"
          required
          maxLength={NAME_CHARS_MAX}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          error={form.fieldError("name") ?? form.problem}
        />
        <Button type="submit" variant="default" disabled={name.trim() === view.name} loading={form.busy}>
          Rename
        </Button>
      </Group>
      {shown.mayShare && (
        <Checkbox
          mt="xs"
          label="Everybody in the workspace sees it"
          checked={shared}
          disabled={form.busy}
          onChange={(event) => void share(event.currentTarget.checked)}
        />
      )}
      <Group gap="xs" mt="xs">
        <Button size="compact-sm" variant="default" disabled={form.busy} onClick={() => void update()}>
          Show what is shown now
        </Button>
        {asking ? (
          <>
            <Button size="compact-sm" color="red" loading={form.busy} onClick={() => void drop()} autoFocus>
              {view.shared ? "Delete it for everybody" : "Delete it"}
            </Button>
            <Button size="compact-sm" variant="default" onClick={() => setAsking(false)}>
              Keep it
            </Button>
          </>
        ) : (
          <Button size="compact-sm" variant="default" onClick={() => setAsking(true)}>
            Delete…
          </Button>
        )}
      </Group>
    </form>
  );
}

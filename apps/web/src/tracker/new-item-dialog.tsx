import { Button, Group, NativeSelect, Stack, Text, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import type { Agent } from "@windshift/contract/api/agent.ts";
import type { Label } from "@windshift/contract/api/label.ts";
import type { UserRef } from "@windshift/contract/api/user.ts";
import { type Priority, WorkItemDetail, type WorkItemStatus } from "@windshift/contract/api/work-item.ts";
import { TITLE_CHARS_MAX } from "@windshift/contract/limits.ts";
import type { FormEvent, KeyboardEvent } from "react";
import { callApi } from "../api/api.ts";
import { useMe } from "../api/me.ts";
import { useApiForm } from "../parts/api-form.ts";
import { Dialog } from "../parts/dialog.tsx";
import { useDraft } from "../parts/draft.ts";
import { paths } from "../paths.ts";
import { sayDone } from "../shell/notices.tsx";
import { closeOverlay } from "../shell/overlay.ts";
import { AgentHint } from "./agent-hint.tsx";
import { AssigneePick } from "./assignee-pick.tsx";
import { PRIORITY_CHOICES, STATUS_CHOICES } from "./item-choices.tsx";
import { refreshItem } from "./item-writes.ts";
import { LabelPick } from "./label-pick.tsx";
import { MarkdownEditor } from "./markdown-editor.tsx";
import { PickMenu } from "./pick-menu.tsx";

/** An item that is being written. It outlives reloads until it was made. */
interface NewItem {
  title: string;
  description: string;
  status: WorkItemStatus;
  priority: Priority;
  labels: Label[];
  assignee: UserRef | null;
  agent: Agent | null;
}

/** Those that say beside themselves what is wrong; of the others, such as a label that is gone, the form says it. */
const FIELDS = ["title", "description"];

/** Makes a work item from anywhere, by a title and Enter if that is enough. */
export function NewItemDialog(props: { workspace?: string; parent?: string; status?: WorkItemStatus }) {
  const { parent } = props;
  const me = useMe();
  const writable = me.workspaces.filter(({ role }) => role !== "viewer");
  const [chosen, setChosen] = useDraft("new-item-workspace", props.workspace ?? writable[0]?.key ?? "");
  const named = props.workspace ?? chosen;
  const workspace = writable.some(({ key }) => key === named) ? named : (writable[0]?.key ?? "");
  const empty: NewItem = {
    ...{ title: "", description: "", priority: "none", labels: [], assignee: null, agent: null },
    status: props.status ?? "todo",
  };
  const [item, setItem, forget] = useDraft<NewItem>(`new-item:${parent ?? workspace}`, empty);
  const change = (part: Partial<NewItem>) => setItem({ ...item, ...part });
  const { form, make } = useMakeItem(workspace, parent, item, forget);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void make(false);
  };
  const press = (event: KeyboardEvent) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.defaultPrevented) {
      event.preventDefault();
      void make(false);
    }
  };
  return (
    <Dialog
      title={parent === undefined ? "New work item" : `New sub-item of ${parent}`}
      size="lg"
      onClose={closeOverlay}
    >
      <form onSubmit={submit} onKeyDown={press}>
        <Stack gap="sm">
          {props.workspace === undefined && writable.length > 1 && (
            <NativeSelect
              label="Workspace"
              value={workspace}
              onChange={(event) => setChosen(event.currentTarget.value)}
              data={writable.map(({ key, name }) => ({ value: key, label: name }))}
            />
          )}
          <TextInput
            label="Title"
            required
            maxLength={TITLE_CHARS_MAX}
            value={item.title}
            onChange={(event) => change({ title: event.currentTarget.value })}
            error={form.fieldError("title")}
            autoComplete="off"
            data-autofocus
          />
          <MarkdownEditor
            label="Description"
            value={item.description}
            onChange={(description) => change({ description })}
            workspace={workspace}
            error={form.fieldError("description")}
            minRows={5}
            placeholder="Markdown. An agent that works on the item reads it."
          />
          <ItemFields workspace={workspace} item={item} onChange={change} />
          {item.agent !== null && (
            <Text size="sm" c="dimmed" component="div">
              {item.agent.name} begins as soon as the item is made. <AgentHint agent={item.agent} />
            </Text>
          )}
          {form.problem !== undefined && (
            <Text role="alert" c="var(--mantine-color-error)" size="sm">
              {form.problem}
            </Text>
          )}
          <Group justify="flex-end" gap="xs">
            <Text size="xs" c="dimmed" className="dialog-hint">
              What you type is kept until the item is made.
            </Text>
            <Button variant="default" loading={form.busy} onClick={() => void make(true)}>
              Create and open
            </Button>
            <Button type="submit" loading={form.busy}>
              Create item
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}

function ItemFields(props: { workspace: string; item: NewItem; onChange(part: Partial<NewItem>): void }) {
  const { workspace, item, onChange } = props;
  return (
    <Group gap="xs" className="new-item-fields">
      <PickMenu
        label="Status"
        value={item.status}
        choices={STATUS_CHOICES}
        onPick={(status) => onChange({ status })}
      />
      <PickMenu
        label="Priority"
        value={item.priority}
        choices={PRIORITY_CHOICES}
        onPick={(priority) => onChange({ priority })}
      />
      <AssigneePick
        workspace={workspace}
        assignee={item.assignee}
        onPick={(assignee, agent) => onChange({ assignee, agent: agent ?? null })}
      />
      <LabelPick workspace={workspace} labels={item.labels} onChange={(labels) => onChange({ labels })} />
    </Group>
  );
}

function useMakeItem(workspace: string, parent: string | undefined, item: NewItem, forget: () => void) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const form = useApiForm(FIELDS);
  const make = async (open: boolean) => {
    if (form.busy) return;
    const body = {
      title: item.title,
      description: item.description,
      status: item.status,
      priority: item.priority,
      label_ids: item.labels.map(({ id }) => id),
      assignee_id: item.assignee?.id ?? null,
      parent_key: parent ?? null,
    };
    let made: WorkItemDetail | undefined;
    await form.submit(async () => {
      made = await callApi("POST", `/api/v1/workspaces/${workspace}/items`, WorkItemDetail, body);
    });
    if (made === undefined) return;
    forget();
    closeOverlay();
    sayDone(`${made.key} was created.`);
    if (open) await navigate({ to: paths.item(made.key) });
    await refreshItem(client, workspace, parent ?? made.key);
  };
  return { form, make };
}

import { Button, TextInput } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import type { LabelList } from "@windshift/contract/api/label.ts";
import { LABEL_NAME_CHARS_MAX } from "@windshift/contract/limits.ts";
import { useState } from "react";
import { sendApi } from "../api/api.ts";
import { type ApiForm, useApiForm } from "../parts/api-form.ts";
import { ConfirmButton } from "../parts/confirm-button.tsx";
import { useDraft } from "../parts/draft.ts";
import { useEditDraft } from "../parts/edit-draft.ts";
import { EmptyState } from "../parts/empty-state.tsx";
import { FormFrame } from "../parts/form-frame.tsx";
import { PageHead } from "../parts/page-head.tsx";
import { sayDone } from "../shell/notices.tsx";
import { useWorkspaceKey } from "./settings-frame.tsx";
import { labelsQuery, refreshSettings } from "./settings-queries.ts";
import { Section } from "./settings-section.tsx";

type CountedLabel = LabelList["labels"][number];
interface LabelTyped {
  name: string;
  color: string;
}
const START: LabelTyped = { name: "", color: "#868e96" };

/** The labels that items of a workspace may have. */
export function LabelsPage() {
  const workspace = useWorkspaceKey();
  const { labels } = useSuspenseQuery(labelsQuery(workspace)).data;
  return (
    <>
      <PageHead title="Labels" />
      {labels.length === 0 && (
        <EmptyState title="No label yet">Labels sort items across their states.</EmptyState>
      )}
      <ul className="rows">
        {labels.map((label) => (
          <LabelRow key={label.id} workspace={workspace} label={label} />
        ))}
      </ul>
      <NewLabel workspace={workspace} />
    </>
  );
}

function LabelRow({ workspace, label }: { workspace: string; label: CountedLabel }) {
  const [editing, setEditing] = useState(false);
  const { id, name, color, items_count } = label;
  const remove = async () => {
    await sendApi("DELETE", `/api/v1/workspaces/${workspace}/labels/${id}`);
    await refreshSettings(workspace, "labels");
    sayDone(`The label ${name} is gone.`);
  };
  if (editing) return <LabelEdit workspace={workspace} label={label} onDone={() => setEditing(false)} />;
  return (
    <li className="row row-line">
      <span className="label-dot" style={{ background: color }} aria-hidden />
      <span className="row-name">{name}</span>
      <span className="quiet">
        {items_count} {items_count === 1 ? "item" : "items"}
      </span>
      <span className="row-end">
        <Button size="xs" variant="default" aria-label={`Edit ${name}`} onClick={() => setEditing(true)}>
          Edit
        </Button>
        <ConfirmButton
          size="xs"
          label={`Delete ${name}`}
          short="Delete"
          title={`Delete the label ${name}?`}
          verb="Delete"
          onConfirm={remove}
        >
          It is taken from {items_count === 1 ? "1 item" : `${items_count} items`}.
        </ConfirmButton>
      </span>
    </li>
  );
}

function LabelEdit(props: { workspace: string; label: CountedLabel; onDone(): void }) {
  const { workspace, label, onDone } = props;
  const [typed, change, forget] = useEditDraft<LabelTyped>(`label:${label.id}`, {
    name: label.name,
    color: label.color,
  });
  const form = useApiForm(["name", "color"]);
  const save = async () => {
    await sendApi("PATCH", `/api/v1/workspaces/${workspace}/labels/${label.id}`, typed);
    await refreshSettings(workspace, "labels");
    forget();
    onDone();
  };
  const cancel = () => {
    forget();
    onDone();
  };
  return (
    <li className="row">
      <FormFrame
        form={form}
        verb="Save"
        label={`Edit ${label.name}`}
        onSend={save}
        aside={
          <Button variant="subtle" onClick={cancel}>
            Cancel
          </Button>
        }
      >
        <LabelFields form={form} typed={typed} change={change} />
      </FormFrame>
    </li>
  );
}

function NewLabel({ workspace }: { workspace: string }) {
  const [typed, setTyped, forget] = useDraft(`label:${workspace}:new`, START);
  const form = useApiForm(["name", "color"]);
  const send = async () => {
    await sendApi("POST", `/api/v1/workspaces/${workspace}/labels`, typed);
    await refreshSettings(workspace, "labels");
    forget();
  };
  return (
    <Section title="New label">
      <FormFrame form={form} verb="Create label" label="New label" onSend={send}>
        <LabelFields form={form} typed={typed} change={(part) => setTyped({ ...typed, ...part })} />
      </FormFrame>
    </Section>
  );
}

function LabelFields(props: { form: ApiForm; typed: LabelTyped; change(part: Partial<LabelTyped>): void }) {
  const { form, typed, change } = props;
  return (
    <div className="field-row">
      <TextInput
        label="Name"
        required
        maxLength={LABEL_NAME_CHARS_MAX}
        value={typed.name}
        onChange={(event) => change({ name: event.currentTarget.value })}
        error={form.fieldError("name")}
      />
      <TextInput
        label="Color"
        type="color"
        className="color-field"
        value={typed.color}
        onChange={(event) => change({ color: event.currentTarget.value })}
        error={form.fieldError("color")}
      />
    </div>
  );
}

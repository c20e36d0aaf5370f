import { Checkbox, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { SavedView, type ViewLayout } from "@windshift/contract/api/view.ts";
import type { ItemQuery } from "@windshift/contract/api/work-item.ts";
import { NAME_CHARS_MAX } from "@windshift/contract/limits.ts";
import { useState } from "react";
import { callApi } from "../api/api.ts";
import { useApiForm } from "../parts/api-form.ts";
import { Dialog } from "../parts/dialog.tsx";
import { FormFrame } from "../parts/form-frame.tsx";
import { viewsQuery } from "./view-queries.ts";

/** Gives the present filters, order and layout a name; under the name of a view that the reader may change, it takes its place. */
export function SaveViewDialog(props: {
  workspace: string;
  layout: ViewLayout;
  query: ItemQuery;
  mayShare: boolean;
  /** Views that the reader may change. */
  changeable: readonly SavedView[];
  onClose(): void;
}) {
  const { workspace, layout, query, mayShare, changeable, onClose } = props;
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [shared, setShared] = useState(false);
  const form = useApiForm(["name"]);
  const old = changeable.find((view) => view.name.toLowerCase() === name.trim().toLowerCase());
  const save = async () => {
    const body = { name, layout, query, shared };
    if (old === undefined) await callApi("POST", `/api/v1/workspaces/${workspace}/views`, SavedView, body);
    else await callApi("PATCH", `/api/v1/views/${old.id}`, SavedView, body);
    await client.invalidateQueries({ queryKey: viewsQuery(workspace).queryKey });
    onClose();
  };
  return (
    <Dialog title="Save this view" onClose={onClose}>
      <FormFrame
        form={form}
        verb={old === undefined ? "Save view" : "Replace view"}
        onSend={save}
        done={`The view ${name} was saved.`}
      >
        <TextInput
          label="Name"
          required
          maxLength={NAME_CHARS_MAX}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          error={form.fieldError("name")}
          description={
            old === undefined
              ? undefined
              : `There is one of this name${old.shared ? ", which is shared" : ""}; it is replaced.`
          }
          data-autofocus
        />
        {mayShare && (
          <Checkbox
            label="Everybody in the workspace sees it"
            checked={shared}
            onChange={(event) => setShared(event.currentTarget.checked)}
          />
        )}
      </FormFrame>
    </Dialog>
  );
}

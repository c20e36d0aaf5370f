import { Checkbox, Modal, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { SavedView, type ViewLayout } from "@windshift/contract/api/view.ts";
import type { ItemQuery } from "@windshift/contract/api/work-item.ts";
import { NAME_CHARS_MAX } from "@windshift/contract/limits.ts";
import { useState } from "react";
import { callApi } from "../api/api.ts";
import { useApiForm } from "../parts/api-form.ts";
import { FormFrame } from "../parts/form-frame.tsx";
import { viewsQuery } from "./view-queries.ts";

/** Gives the present filters, order and layout a name. */
export function SaveViewDialog(props: {
  workspace: string;
  layout: ViewLayout;
  query: ItemQuery;
  mayShare: boolean;
  onClose(): void;
}) {
  const { workspace, layout, query, mayShare, onClose } = props;
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [shared, setShared] = useState(false);
  const form = useApiForm(["name"]);
  const save = async () => {
    const body = { name, layout, query, shared };
    await callApi("POST", `/api/v1/workspaces/${workspace}/views`, SavedView, body);
    await client.invalidateQueries({ queryKey: viewsQuery(workspace).queryKey });
    onClose();
  };
  return (
    <Modal opened onClose={onClose} title="Save this view" closeButtonProps={{ "aria-label": "Close" }}>
      <FormFrame form={form} verb="Save view" onSend={save} done={`The view ${name} was saved.`}>
        <TextInput
          label="Name"
          required
          maxLength={NAME_CHARS_MAX}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          error={form.fieldError("name")}
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
    </Modal>
  );
}

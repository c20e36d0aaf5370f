import { TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { PageDetail } from "@windshift/contract/api/page.ts";
import { TITLE_CHARS_MAX } from "@windshift/contract/limits.ts";
import { callApi } from "../api/api.ts";
import { useApiForm } from "../parts/api-form.ts";
import { Dialog } from "../parts/dialog.tsx";
import { useDraft } from "../parts/draft.ts";
import { FormFrame } from "../parts/form-frame.tsx";
import { paths } from "../paths.ts";
import { pageQuery } from "./page-queries.ts";

/** Begins a page by its title; its text is written where it will stand. */
export function NewPageDialog(props: { workspace: string; parent: number | null; onClose(): void }) {
  const { workspace, parent, onClose } = props;
  const client = useQueryClient();
  const navigate = useNavigate();
  const [title, setTitle, forget] = useDraft(`new-page:${workspace}`, "");
  const form = useApiForm(["title", "parent_id"]);
  const create = async () => {
    const body = { title, parent_id: parent };
    const page = await callApi("POST", `/api/v1/workspaces/${workspace}/pages`, PageDetail, body);
    forget();
    client.setQueryData(pageQuery(page.id).queryKey, page);
    await client.invalidateQueries({ queryKey: ["pages", workspace] });
    onClose();
    await navigate({ to: paths.page(workspace, page.id) });
  };
  return (
    <Dialog title={parent === null ? "New page" : "New page under this one"} onClose={onClose}>
      <FormFrame form={form} verb="Create page" onSend={create}>
        <TextInput
          label="Title"
          required
          maxLength={TITLE_CHARS_MAX}
          value={title}
          onChange={(event) => setTitle(event.currentTarget.value)}
          error={form.fieldError("title") ?? form.fieldError("parent_id")}
          data-autofocus
        />
      </FormFrame>
    </Dialog>
  );
}

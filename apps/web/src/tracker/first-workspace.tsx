import { TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Workspace } from "@windshift/contract/api/workspace.ts";
import { NAME_CHARS_MAX } from "@windshift/contract/limits.ts";
import { callApi } from "../api/api.ts";
import { meQuery } from "../api/me.ts";
import { useApiForm } from "../parts/api-form.ts";
import { useDraft } from "../parts/draft.ts";
import { EmptyState } from "../parts/empty-state.tsx";
import { FormFrame } from "../parts/form-frame.tsx";
import { paths } from "../paths.ts";

/** Where work begins for somebody who is in no workspace yet. */
export function FirstWorkspace({ admin }: { admin: boolean }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const [values, setValues, forget] = useDraft("first-workspace", { name: "", key: "" });
  const form = useApiForm(["name", "key"]);
  if (!admin)
    return (
      <EmptyState title="You are not a member of a workspace yet">
        Ask an administrator to add you to one.
      </EmptyState>
    );
  const create = async () => {
    const { key } = await callApi("POST", "/api/v1/workspaces", Workspace, values);
    forget();
    await client.invalidateQueries({ queryKey: meQuery.queryKey });
    await navigate({ to: paths.guide(key) });
  };
  return (
    <section className="first-workspace" aria-labelledby="first-workspace-title">
      <h2 id="first-workspace-title">Make the first workspace</h2>
      <p className="quiet">A team's items, pages, agents and their settings live in one.</p>
      <FormFrame form={form} verb="Create workspace" onSend={create}>
        <TextInput
          label="Name"
          required
          maxLength={NAME_CHARS_MAX}
          value={values.name}
          onChange={(event) => setValues({ ...values, name: event.currentTarget.value })}
          error={form.fieldError("name")}
        />
        <TextInput
          label="Key"
          description="2 to 10 capital letters or digits; items are called KEY-1."
          required
          value={values.key}
          onChange={(event) => setValues({ ...values, key: event.currentTarget.value.toUpperCase() })}
          error={form.fieldError("key")}
        />
      </FormFrame>
    </section>
  );
}

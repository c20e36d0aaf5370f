import { Button, Checkbox, TextInput } from "@mantine/core";
import { Repository } from "@windshift/contract/api/repository.ts";
import { useState } from "react";
import { callApi } from "../api/api.ts";
import { useApiForm } from "../parts/api-form.ts";
import { useDraft } from "../parts/draft.ts";
import { FormFrame } from "../parts/form-frame.tsx";
import { refreshSettings } from "./settings-queries.ts";

/** The way to a new repository on the server, folded until it is wanted. */
export function NewLocalRepository(props: { workspace: string; connectionId: number }) {
  const [open, setOpen] = useState(false);
  if (!open)
    return (
      <Button variant="default" mt="sm" onClick={() => setOpen(true)}>
        New repository
      </Button>
    );
  return (
    <div className="inset">
      <LocalRepositoryForm {...props} onMade={() => setOpen(false)} />
    </div>
  );
}

/** Makes a repository on the server. It begins with a README, so that an agent has a branch to start from. */
export function LocalRepositoryForm(props: {
  workspace: string;
  connectionId: number;
  onMade(repository: Repository): void;
}) {
  const { workspace, connectionId, onMade } = props;
  const start = { owner: "team", name: "", default_branch: "main", readme: true };
  const [typed, setTyped, forget] = useDraft(`repository:${workspace}:${connectionId}`, start);
  const form = useApiForm(["owner", "name", "default_branch"]);
  const send = async () => {
    const body = { connection_id: connectionId, ...typed };
    const made = await callApi("POST", `/api/v1/workspaces/${workspace}/repositories`, Repository, body);
    forget();
    await refreshSettings(workspace, "repositories");
    onMade(made);
  };
  const field = (name: "owner" | "name" | "default_branch", label: string) => (
    <TextInput
      label={label}
      required
      spellCheck={false}
      value={typed[name]}
      onChange={(event) => setTyped({ ...typed, [name]: event.currentTarget.value })}
      error={form.fieldError(name)}
    />
  );
  return (
    <FormFrame
      form={form}
      verb="Make repository"
      label="New repository"
      onSend={send}
      done={`${typed.owner}/${typed.name} was made.`}
    >
      <div className="field-row">
        {field("owner", "Owner")}
        {field("name", "Repository")}
        {field("default_branch", "Default branch")}
      </div>
      <Checkbox
        label="Begin with a README"
        description="An agent needs a first commit to start from. Leave it out to push one of your own."
        checked={typed.readme}
        onChange={(event) => setTyped({ ...typed, readme: event.currentTarget.checked })}
      />
    </FormFrame>
  );
}

import { NativeSelect, Text, TextInput } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { Agent } from "@windshift/contract/api/agent.ts";
import type { Connection } from "@windshift/contract/api/connection.ts";
import type { Repository } from "@windshift/contract/api/repository.ts";
import { UserRef } from "@windshift/contract/api/user.ts";
import { NAME_CHARS_MAX } from "@windshift/contract/limits.ts";
import { callApi, sendApi } from "../api/api.ts";
import { useApiForm } from "../parts/api-form.ts";
import { useEditDraft } from "../parts/edit-draft.ts";
import { FormFrame } from "../parts/form-frame.tsx";
import { fieldProblem } from "../parts/money-text.ts";
import { paths } from "../paths.ts";
import { ConnectionSelect, ModelField } from "./binding-model-fields.tsx";
import { withMissing } from "./select-choices.ts";
import { refreshSettings } from "./settings-queries.ts";

/** Name of the first agent when nobody gives another. */
const FIRST_NAME = "Coder";

/** The first agent: a name, a repository and a model. All else has a default, and can be changed later. */
export function GuideAgentStep(props: {
  workspace: string;
  repositories: readonly Repository[];
  models: readonly Connection[];
  agents: readonly Agent[];
}) {
  const { workspace, repositories, models, agents } = props;
  const unbound = agents.find(({ binding }) => binding === null);
  const [typed, change, forget] = useEditDraft(`guide:agent:${workspace}`, {
    name: unbound?.name ?? FIRST_NAME,
    repository_id: String(repositories[0]?.id ?? ""),
    llm_connection_id: String(models.at(-1)?.id ?? ""),
    model: "",
  });
  const form = useApiForm(["name", "repository_id", "llm_connection_id", "model"]);
  const send = async () => {
    if (typed.repository_id === "") throw fieldProblem("repository_id", "connect a repository first");
    // One that was made before the binding failed is taken up again.
    const agent =
      unbound?.name === typed.name.trim()
        ? { id: unbound.user_id }
        : await callApi("POST", `/api/v1/workspaces/${workspace}/agents`, UserRef, { name: typed.name });
    await sendApi("POST", `/api/v1/workspaces/${workspace}/bindings`, {
      agent_user_id: agent.id,
      repository_id: Number(typed.repository_id),
      llm_connection_id: typed.llm_connection_id === "" ? null : Number(typed.llm_connection_id),
      model: typed.model.trim() === "" ? null : typed.model.trim(),
    }).catch(async (error: unknown) => {
      await refreshSettings(workspace, "agents");
      throw error;
    });
    forget();
    await refreshSettings(workspace);
  };
  return (
    <>
      <Text size="sm">
        An agent is a member of the workspace that cannot sign in. Work is given to it like to anybody else:
        by assigning it, or by mentioning it in a comment.
      </Text>
      <FormFrame form={form} verb="Make the agent" label="Bind an agent" onSend={send}>
        <TextInput
          label="Name of the agent"
          required
          maxLength={NAME_CHARS_MAX}
          value={typed.name}
          onChange={(event) => change({ name: event.currentTarget.value })}
          error={form.fieldError("name")}
        />
        <NativeSelect
          label="Repository"
          value={typed.repository_id}
          data={withMissing(
            typed.repository_id,
            repositories.map(({ id, owner, name }) => ({ value: String(id), label: `${owner}/${name}` })),
          )}
          onChange={(event) => change({ repository_id: event.currentTarget.value })}
          error={form.fieldError("repository_id")}
        />
        <div className="field-row">
          <ConnectionSelect
            label="Model connection"
            connections={models}
            none="The server's own"
            value={typed.llm_connection_id}
            onChange={(llm_connection_id) => change({ llm_connection_id })}
            error={form.fieldError("llm_connection_id")}
          />
          <ModelField
            label="Model"
            connection={typed.llm_connection_id}
            value={typed.model}
            onChange={(model) => change({ model })}
            error={form.fieldError("model")}
          />
        </div>
      </FormFrame>
      <Text size="sm" c="dimmed">
        Instructions, budgets, limits, fallbacks and what it may push are set under{" "}
        <Link to={paths.settings(workspace, "agents")}>Agents</Link>, now or later.
      </Text>
    </>
  );
}

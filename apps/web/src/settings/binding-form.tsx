import { Checkbox, NativeSelect, Switch, TextInput } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import type { Binding } from "@windshift/contract/api/binding.ts";
import type { Repository } from "@windshift/contract/api/repository.ts";
import { INSTRUCTIONS_CHARS_MAX } from "@windshift/contract/limits.ts";
import { sendApi } from "../api/api.ts";
import { useApiForm } from "../parts/api-form.ts";
import { useEditDraft } from "../parts/edit-draft.ts";
import { FormFrame } from "../parts/form-frame.tsx";
import { GrowingText } from "../parts/growing-text.tsx";
import { sayDone } from "../shell/notices.tsx";
import { BINDING_FIELDS, bindingBody, bindingStart, bindingTyped } from "./binding-draft.ts";
import { type BindingFields, ModelFields } from "./binding-model-fields.tsx";
import { PoolField } from "./binding-pool-field.tsx";
import { SkillFields } from "./binding-skill-fields.tsx";
import { BudgetFields } from "./budget-fields.tsx";
import { withMissing } from "./select-choices.ts";
import { connectionsQuery, refreshSettings } from "./settings-queries.ts";
import { Section } from "./settings-section.tsx";

/** All that can be said of what an agent works on, with what, and how far it may go. */
export function BindingForm(props: {
  workspace: string;
  agent: { id: string; name: string };
  binding: Binding | undefined;
  repositories: readonly Repository[];
}) {
  const { workspace, agent, binding, repositories } = props;
  const { connections } = useSuspenseQuery(connectionsQuery(workspace)).data;
  const models = connections.filter(({ kind }) => kind === "llm");
  const [typed, change, forget, touched] = useEditDraft(
    `binding:${workspace}:${agent.id}`,
    binding === undefined ? bindingStart(repositories[0], models[0]?.id) : bindingTyped(binding),
  );
  const form = useApiForm(BINDING_FIELDS);
  const send = async () => {
    const chosen = repositories.find(({ id }) => String(id) === typed.repository_id);
    const body = bindingBody(typed, chosen?.default_branch);
    if (binding === undefined)
      await sendApi("POST", `/api/v1/workspaces/${workspace}/bindings`, { ...body, agent_user_id: agent.id });
    else await sendApi("PATCH", `/api/v1/bindings/${binding.id}`, body);
    await refreshSettings(workspace);
    forget();
    sayDone(
      binding === undefined
        ? `${agent.name} is bound.`
        : "Saved. Runs that are queued keep what they were given.",
    );
  };
  const fields = { form, typed, change };
  return (
    <FormFrame
      form={form}
      verb={binding === undefined ? "Bind the agent" : "Save the binding"}
      label="Binding"
      onSend={send}
      onDiscard={touched ? forget : undefined}
    >
      <Section title="Works on">
        <RepositoryFields {...fields} repositories={repositories} />
      </Section>
      <Section
        title="Model"
        hint="Fallbacks are tried in their order when the one before fails before it answered."
      >
        <ModelFields {...fields} connections={models} />
      </Section>
      <Section title="Role" hint="Stands in every prompt of the agent as “Your role”.">
        <GrowingText
          label="Instructions"
          rowsMin={4}
          rowsMax={16}
          maxLength={INSTRUCTIONS_CHARS_MAX}
          value={typed.instructions}
          onChange={(event) => change({ instructions: event.currentTarget.value })}
          error={form.fieldError("instructions")}
        />
        <SkillFields {...fields} workspace={workspace} />
      </Section>
      <Section title="Limits and budgets" hint="An empty budget is no limit. Months are those of UTC.">
        <LimitFields {...fields} />
      </Section>
      <Section title="What it may push">
        <PushFields {...fields} />
      </Section>
      <Section title="Where it runs">
        <PlaceFields {...fields} />
      </Section>
    </FormFrame>
  );
}

function RepositoryFields({
  form,
  typed,
  change,
  repositories,
}: BindingFields & { repositories: readonly Repository[] }) {
  const chosen = repositories.find(({ id }) => String(id) === typed.repository_id);
  return (
    <div className="field-row">
      <NativeSelect
        label="Repository"
        value={typed.repository_id}
        data={withMissing(
          typed.repository_id,
          repositories.map(({ id, owner, name }) => ({ value: String(id), label: `${owner}/${name}` })),
        )}
        onChange={(event) => change({ repository_id: event.currentTarget.value, base_branch: "" })}
        error={form.fieldError("repository_id")}
      />
      <TextInput
        label="Base branch"
        description="Where its branches begin and its pull requests go."
        placeholder={chosen?.default_branch}
        spellCheck={false}
        value={typed.base_branch}
        onChange={(event) => change({ base_branch: event.currentTarget.value })}
        error={form.fieldError("base_branch")}
      />
    </div>
  );
}

function LimitFields({ form, typed, change }: BindingFields) {
  return (
    <>
      <div className="field-row">
        <TextInput
          label="Minutes a run"
          inputMode="numeric"
          value={typed.minutes}
          onChange={(event) => change({ minutes: event.currentTarget.value })}
          error={form.fieldError("limits.wall_clock_ms")}
        />
        <TextInput
          label="Calls to the model a run"
          inputMode="numeric"
          value={typed.turns}
          onChange={(event) => change({ turns: event.currentTarget.value })}
          error={form.fieldError("limits.turns")}
        />
      </div>
      <BudgetFields
        of="a run"
        path="budget.run"
        form={form}
        typed={typed.run}
        change={(part) => change({ run: { ...typed.run, ...part } })}
      />
      <BudgetFields
        of="a month"
        path="budget.month"
        form={form}
        typed={typed.month}
        change={(part) => change({ month: { ...typed.month, ...part } })}
      />
    </>
  );
}

const MEASURES = [
  { value: "refuse", label: "Refuse the push" },
  { value: "flag", label: "Let it pass and say so" },
];

function PushFields({ form, typed, change }: BindingFields) {
  const measure = (name: "ci_files" | "protected_files" | "secrets", label: string, description: string) => (
    <NativeSelect
      label={label}
      description={description}
      data={MEASURES}
      value={typed[name]}
      onChange={(event) => change({ [name]: event.currentTarget.value })}
    />
  );
  return (
    <>
      <div className="field-row">
        {measure("ci_files", "CI files", "They would run with the secrets of the forge's CI.")}
        {measure(
          "protected_files",
          "Protected files",
          "CODEOWNERS, .gitmodules, .gitattributes, and those below.",
        )}
        {measure(
          "secrets",
          "What looks like a credential",
          "Windshift's own tokens are refused in any case.",
        )}
      </div>
      <GrowingText
        label="Further protected paths"
        description="One a line: a file, a folder with a slash at its end, or a pattern with * and **."
        rowsMin={2}
        rowsMax={16}
        spellCheck={false}
        value={typed.protected_paths}
        onChange={(event) => change({ protected_paths: event.currentTarget.value })}
        error={form.fieldError("push_policy.protected_paths")}
      />
    </>
  );
}

function PlaceFields({ form, typed, change }: BindingFields) {
  return (
    <>
      <div className="field-row">
        <PoolField value={typed.pool} onChange={(pool) => change({ pool })} error={form.fieldError("pool")} />
        <TextInput
          label="Labels"
          description="What the runner must be able to do, separated by commas, such as gpu."
          spellCheck={false}
          value={typed.labels}
          onChange={(event) => change({ labels: event.currentTarget.value })}
          error={form.fieldError("labels")}
        />
        <TextInput
          label="Image"
          description="Empty: the runner's own."
          spellCheck={false}
          value={typed.image}
          onChange={(event) => change({ image: event.currentTarget.value })}
          error={form.fieldError("image")}
        />
      </div>
      <Checkbox
        label="Comments from outside reach the agent"
        description="What people who are not in the workspace write on the forge, labelled as such. Anybody may write there: leave it off for public repositories."
        checked={typed.outside_comments}
        onChange={(event) => change({ outside_comments: event.currentTarget.checked })}
      />
      <Switch
        label="The agent can be set to work"
        checked={typed.enabled}
        onChange={(event) => change({ enabled: event.currentTarget.checked })}
      />
    </>
  );
}

import { Button, Checkbox, Group, Text, TextInput, VisuallyHidden } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import type { Binding } from "@windshift/contract/api/binding.ts";
import type { Connection } from "@windshift/contract/api/connection.ts";
import type { Model } from "@windshift/contract/api/model.ts";
import { MODEL_CHARS_MAX } from "@windshift/contract/limits.ts";
import { useState } from "react";
import { sendApi } from "../api/api.ts";
import { queryClient } from "../api/query-client.ts";
import { type ApiForm, useApiForm } from "../parts/api-form.ts";
import { useEditDraft } from "../parts/edit-draft.ts";
import { FormFrame } from "../parts/form-frame.tsx";
import { countTyped, dollarAmount, dollarsTyped } from "../parts/money-text.ts";
import { sayDone, sayFailed } from "../shell/notices.tsx";
import { bindingsQuery, modelsQuery } from "./settings-queries.ts";
import { Section, StateWord } from "./settings-section.tsx";

/** A model of which something is known, or that a binding calls. */
interface ModelView {
  model: string;
  facts: Model | undefined;
  /** Names of the agents that call it, first or as a fallback. */
  agents: string[];
}

/** Prices and context windows: a list in which every line is a form. */
export function ModelRows({ workspace, connection }: { workspace: string; connection: Connection }) {
  const { models } = useSuspenseQuery(modelsQuery(connection.id)).data;
  const { bindings } = useSuspenseQuery(bindingsQuery(workspace)).data;
  const views = modelViews(connection.id, models, bindings);
  return (
    <Section
      title="Models, prices and context windows"
      hint="Prices are dollars for a million tokens. Where a budget counts dollars, a model without a price is refused."
    >
      {views.length === 0 && (
        <Text c="dimmed" size="sm">
          Nothing is known of any model yet.
        </Text>
      )}
      <ul className="rows">
        {views.map((view) => (
          <ModelRow key={view.model} connection={connection.id} view={view} />
        ))}
      </ul>
      <NewModel connection={connection.id} />
    </Section>
  );
}

/** Models of which something is known, and those that agents call without anything being known of them; by name. */
function modelViews(id: number, models: readonly Model[], bindings: readonly Binding[]): ModelView[] {
  const views = new Map(
    models.map((facts): [string, ModelView] => [facts.model, { model: facts.model, facts, agents: [] }]),
  );
  for (const { agent, llm_connection_id, model, fallbacks } of bindings)
    for (const called of [{ llm_connection_id, model }, ...fallbacks]) {
      if (called.llm_connection_id !== id || called.model === null) continue;
      const view = views.get(called.model) ?? { model: called.model, facts: undefined, agents: [] };
      if (!view.agents.includes(agent.name)) view.agents.push(agent.name);
      views.set(called.model, view);
    }
  return [...views.values()].sort((a, b) => (a.model < b.model ? -1 : 1));
}

function ModelRow({ connection, view }: { connection: number; view: ModelView }) {
  const { model, facts, agents } = view;
  const [typed, change, forget, touched] = useEditDraft(`model:${connection}:${model}`, factsTyped(facts));
  const form = useApiForm(FACT_FIELDS);
  const priced = facts != null && facts.input_price !== null && facts.output_price !== null;
  const save = async () => {
    await putModel(connection, model, typed);
    forget();
  };
  return (
    <li className="row">
      <Group gap="xs">
        <h3 className="row-name">
          <code>{model}</code>
        </h3>
        {!priced && <StateWord state="wait">No price</StateWord>}
        {agents.length > 0 && <span className="quiet">called by {agents.join(", ")}</span>}
      </Group>
      <FormFrame
        form={form}
        verb={`Save ${model}`}
        label={model}
        onSend={save}
        onDiscard={touched ? forget : undefined}
        done={`Saved ${model}.`}
        variant="default"
        aside={facts && <RemoveModel connection={connection} model={model} />}
      >
        <FactFields form={form} typed={typed} change={change} />
      </FormFrame>
    </li>
  );
}

function RemoveModel({ connection, model }: { connection: number; model: string }) {
  const remove = () =>
    sendApi("DELETE", modelPath(connection, model))
      .then(() => queryClient.invalidateQueries(modelsQuery(connection)))
      .then(() => sayDone(`Removed what was known of ${model}.`), sayFailed);
  return (
    <Button variant="subtle" onClick={remove}>
      Remove<VisuallyHidden> {model}</VisuallyHidden>
    </Button>
  );
}

interface FactsTyped {
  input_price: string;
  cached_input_price: string;
  output_price: string;
  context_window: string;
  images: boolean;
}
const FACT_FIELDS = ["input_price", "cached_input_price", "output_price", "context_window"] as const;

function factsTyped(facts: Model | undefined): FactsTyped {
  return {
    input_price: dollarAmount(facts?.input_price ?? null),
    cached_input_price: dollarAmount(facts?.cached_input_price ?? null),
    output_price: dollarAmount(facts?.output_price ?? null),
    context_window: facts?.context_window?.toString() ?? "",
    images: facts?.images ?? false,
  };
}

function modelPath(connection: number, model: string): string {
  return `/api/v1/connections/${connection}/models/${encodeURIComponent(model)}`;
}

async function putModel(connection: number, model: string, typed: FactsTyped): Promise<void> {
  await sendApi("PUT", modelPath(connection, model), {
    input_price: dollarsTyped(typed.input_price, "input_price"),
    cached_input_price: dollarsTyped(typed.cached_input_price, "cached_input_price"),
    output_price: dollarsTyped(typed.output_price, "output_price"),
    context_window: countTyped(typed.context_window, "context_window"),
    images: typed.images,
  });
  await queryClient.invalidateQueries(modelsQuery(connection));
}

function FactFields(props: { form: ApiForm; typed: FactsTyped; change(part: Partial<FactsTyped>): void }) {
  const { form, typed, change } = props;
  const field = (name: (typeof FACT_FIELDS)[number], label: string) => (
    <TextInput
      label={label}
      inputMode="decimal"
      value={typed[name]}
      onChange={(event) => change({ [name]: event.currentTarget.value })}
      error={form.fieldError(name)}
    />
  );
  return (
    <div className="field-row">
      {field("input_price", "Input, $")}
      {field("cached_input_price", "Cached input, $")}
      {field("output_price", "Output, $")}
      {field("context_window", "Context, tokens")}
      <Checkbox
        label="Takes pictures"
        checked={typed.images}
        onChange={(event) => change({ images: event.currentTarget.checked })}
      />
    </div>
  );
}

function NewModel({ connection }: { connection: number }) {
  const [typed, change, forget] = useEditDraft(`model:${connection}:new`, {
    model: "",
    ...factsTyped(undefined),
  });
  const [open, setOpen] = useState(false);
  const form = useApiForm(["model", ...FACT_FIELDS]);
  const add = async () => {
    await putModel(connection, typed.model.trim(), typed);
    forget();
    setOpen(false);
  };
  if (!open)
    return (
      <Button variant="default" mt="sm" onClick={() => setOpen(true)}>
        Add a model
      </Button>
    );
  return (
    <div className="inset">
      <FormFrame
        form={form}
        verb="Add model"
        label="Add a model"
        onSend={add}
        done={`Saved ${typed.model}.`}
        aside={
          <Button variant="subtle" onClick={() => setOpen(false)}>
            Cancel
          </Button>
        }
      >
        <TextInput
          label="Model"
          description="As the provider writes it, such as gpt-5.1-mini."
          required
          maxLength={MODEL_CHARS_MAX}
          spellCheck={false}
          value={typed.model}
          onChange={(event) => change({ model: event.currentTarget.value })}
          error={form.fieldError("model")}
        />
        <FactFields form={form} typed={typed} change={change} />
      </FormFrame>
    </div>
  );
}

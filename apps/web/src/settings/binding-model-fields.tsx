import { Button, CloseButton, Group, NativeSelect, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { Connection } from "@windshift/contract/api/connection.ts";
import { FALLBACKS_MAX, MODEL_CHARS_MAX } from "@windshift/contract/limits.ts";
import { useId } from "react";
import type { ApiForm } from "../parts/api-form.ts";
import type { BindingTyped } from "./binding-draft.ts";
import { withMissing } from "./select-choices.ts";
import { modelsQuery } from "./settings-queries.ts";

export interface BindingFields {
  form: ApiForm;
  typed: BindingTyped;
  change(part: Partial<BindingTyped>): void;
}

/** The first model and those that are tried after it. */
export function ModelFields({
  form,
  typed,
  change,
  connections,
}: BindingFields & { connections: readonly Connection[] }) {
  const { fallbacks } = typed;
  const set = (at: number, part: Partial<(typeof fallbacks)[number]>) =>
    change({ fallbacks: fallbacks.map((one, index) => (index === at ? { ...one, ...part } : one)) });
  const first = connections[0];
  return (
    <>
      <div className="field-row">
        <ConnectionSelect
          label="Model connection"
          connections={connections}
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
      {fallbacks.map((one, at) => (
        // Lines have no name of their own, and are only added at the end.
        // biome-ignore lint/suspicious/noArrayIndexKey: the place is what tells them apart.
        <div className="field-row" key={at}>
          <ConnectionSelect
            label={`Fallback ${at + 1}, connection`}
            connections={connections}
            value={one.llm_connection_id}
            onChange={(llm_connection_id) => set(at, { llm_connection_id })}
            error={form.fieldError(`fallbacks.${at}.llm_connection_id`)}
          />
          <ModelField
            label={`Fallback ${at + 1}, model`}
            connection={one.llm_connection_id}
            value={one.model}
            onChange={(model) => set(at, { model })}
            error={form.fieldError(`fallbacks.${at}.model`)}
          />
          <CloseButton
            aria-label={`Remove fallback ${at + 1}`}
            onClick={() => change({ fallbacks: fallbacks.filter((_, index) => index !== at) })}
            className="row-close"
          />
        </div>
      ))}
      {first !== undefined && fallbacks.length < FALLBACKS_MAX && (
        <Group>
          <Button
            variant="subtle"
            size="xs"
            onClick={() =>
              change({ fallbacks: [...fallbacks, { llm_connection_id: String(first.id), model: "" }] })
            }
          >
            Add a fallback
          </Button>
        </Group>
      )}
    </>
  );
}

/**
 * One of the workspace's connections by its id, as text. For one that is gone it says `Choose one`, where a browser would show the
 * first.
 */
export function ConnectionSelect(props: {
  label: string;
  connections: readonly Connection[];
  /** What no connection is called, where that may be. */
  none?: string;
  value: string;
  onChange(id: string): void;
  error: string | undefined;
}) {
  const { label, connections, none, value, onChange, error } = props;
  const data = connections.map(({ id, name }) => ({ value: String(id), label: name }));
  return (
    <NativeSelect
      label={label}
      value={value}
      data={withMissing(value, none === undefined ? data : [...data, { value: "", label: none }])}
      onChange={(event) => onChange(event.currentTarget.value)}
      error={error}
    />
  );
}

/** A model by the name its provider has for it; those that are known of the connection are offered. */
export function ModelField(props: {
  label: string;
  connection: string;
  value: string;
  onChange(model: string): void;
  error: string | undefined;
}) {
  const { label, connection, value, onChange, error } = props;
  const { data } = useQuery({ ...modelsQuery(Number(connection)), enabled: connection !== "" });
  const list = useId();
  return (
    <>
      <TextInput
        label={label}
        description="As the provider writes it, such as gpt-5.1-mini."
        maxLength={MODEL_CHARS_MAX}
        spellCheck={false}
        list={list}
        value={value}
        onChange={(event) => onChange(event.currentTarget.value)}
        error={error}
      />
      <datalist id={list}>
        {data?.models.map(({ model }) => (
          <option key={model} value={model} />
        ))}
      </datalist>
    </>
  );
}

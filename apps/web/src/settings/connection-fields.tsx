import { TextInput } from "@mantine/core";
import { NAME_CHARS_MAX } from "@windshift/contract/limits.ts";
import type { ApiForm } from "../parts/api-form.ts";
import { GrowingText } from "../parts/growing-text.tsx";
import { SecretField } from "../parts/secret-field.tsx";
import type { ConnectionTyped } from "./connection-draft.ts";
import type { ConnectionKind } from "./connection-kinds.ts";

interface FieldsProps {
  form: ApiForm;
  typed: ConnectionTyped;
  change(part: Partial<ConnectionTyped>): void;
}

/** What people call the connection, on its page and where a new one is made. */
export function NameField({ form, typed, change }: FieldsProps) {
  return (
    <TextInput
      label="Name"
      required
      maxLength={NAME_CHARS_MAX}
      value={typed.name}
      onChange={(event) => change({ name: event.currentTarget.value })}
      error={form.fieldError("name")}
    />
  );
}

/** Where the forge or the model is; nothing for a kind that has no address, such as git of the server itself. */
export function AddressField({ form, typed, change, kind }: FieldsProps & { kind: ConnectionKind }) {
  if (kind.address === undefined) return null;
  return (
    <TextInput
      label="Address"
      description={
        kind.kind === "llm"
          ? `The root of the provider's API, such as ${kind.address.example}.`
          : `Where people see the forge, such as ${kind.address.example}.`
      }
      inputMode="url"
      spellCheck={false}
      required
      value={typed.base_url}
      onChange={(event) => change({ base_url: event.currentTarget.value })}
      error={form.fieldError("base_url")}
    />
  );
}

/** They are always empty when the page comes: what is stored is never shown. */
export function CredentialFields(
  props: FieldsProps & { kind: ConnectionKind; secret: string; setSecret(secret: string): void },
) {
  const { form, typed, change, kind, secret, setSecret } = props;
  const value = {
    value: secret,
    onChange: (event: { currentTarget: { value: string } }) => setSecret(event.currentTarget.value),
  };
  switch (kind.credential) {
    case "none":
      return <p className="hint">{kind.needs}</p>;
    case "token":
      return (
        <SecretField
          label="Access token"
          description={kind.needs}
          required
          error={form.fieldError("token")}
          {...value}
        />
      );
    case "key":
      return (
        <SecretField label="API key" description={kind.needs} error={form.fieldError("api_key")} {...value} />
      );
    case "app":
      return (
        <>
          <NumberField
            label="App ID"
            value={typed.app_id}
            onChange={(app_id) => change({ app_id })}
            error={form.fieldError("app.app_id") ?? form.fieldError("app")}
          />
          <NumberField
            label="Installation ID"
            value={typed.installation_id}
            onChange={(installation_id) => change({ installation_id })}
            error={form.fieldError("app.installation_id")}
          />
          <GrowingText
            label="Private key"
            description={`The whole text of the .pem file. ${kind.needs}`}
            required
            rowsMin={6}
            rowsMax={30}
            autoComplete="off"
            spellCheck={false}
            className="pem"
            error={form.fieldError("app.private_key")}
            {...value}
          />
        </>
      );
  }
}

function NumberField(props: {
  label: string;
  value: string;
  onChange(value: string): void;
  error: string | undefined;
}) {
  const { label, value, onChange, error } = props;
  return (
    <TextInput
      label={label}
      inputMode="numeric"
      required
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      error={error}
    />
  );
}

/** Of a connection to models. */
export function ModelLimitFields({ form, typed, change }: FieldsProps) {
  return (
    <div className="field-row">
      <TextInput
        label="Context window, tokens"
        description="Empty: the agent's own default."
        inputMode="numeric"
        value={typed.context_window}
        onChange={(event) => change({ context_window: event.currentTarget.value })}
        error={form.fieldError("context_window")}
      />
      <TextInput
        label="Calls at once"
        description="Of each server process. Empty: no limit."
        inputMode="numeric"
        value={typed.concurrency_max}
        onChange={(event) => change({ concurrency_max: event.currentTarget.value })}
        error={form.fieldError("concurrency_max")}
      />
    </div>
  );
}

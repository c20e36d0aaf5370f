/** @jsxImportSource hono/jsx */
import type { Connection } from "@windshift/contract/api/connection.ts";
import {
  LLM_CONCURRENCY_MAX,
  LLM_CONTEXT_TOKENS_MAX,
  LLM_CONTEXT_TOKENS_MIN,
  NAME_CHARS_MAX,
} from "@windshift/contract/limits.ts";
import type { ConnectionKind } from "./connection-kinds.ts";
import { Field, FormError } from "./form-field.tsx";
import { connectionPath, SettingsFrame, type SettingsView } from "./settings-frame.tsx";

/** The form that adds a connection of one kind. */
export function NewConnectionPage({ view, kind }: { view: SettingsView; kind: ConnectionKind }) {
  const { workspace } = view;
  return (
    <SettingsFrame view={view} title={`Add ${kind.title}`} part="connections" crumbs={[{ text: "Add" }]}>
      <h1>Add a connection: {kind.title}</h1>
      <form
        class="card stack settings-form"
        method="post"
        autocomplete="off"
        data-api={`/api/v1/workspaces/${workspace}/connections`}
        data-then={connectionPath(workspace, "{id}")}
      >
        <FormError />
        <input type="hidden" name="kind" value={kind.kind} />
        <input type="hidden" name="provider" value={kind.provider} />
        <NameField value={kind.name} />
        {kind.address && <AddressField kind={kind} value={kind.address.value} />}
        <CredentialFields kind={kind} />
        {kind.kind === "llm" && <ModelLimitFields />}
        <button type="submit" class="primary">
          Add connection
        </button>
      </form>
    </SettingsFrame>
  );
}

export function NameField({ value }: { value: string }) {
  return (
    <Field id="name" name="name" label="Name">
      <input id="name" name="name" type="text" required maxlength={NAME_CHARS_MAX} value={value} />
    </Field>
  );
}

export function AddressField({ kind, value }: { kind: ConnectionKind; value: string | undefined }) {
  const hint =
    kind.kind === "llm"
      ? `The root of the provider's API, such as ${kind.address?.example}.`
      : `Where people see the forge, such as ${kind.address?.example}.`;
  return (
    <Field id="base_url" name="base_url" label="Address" hint={hint}>
      <input
        id="base_url"
        name="base_url"
        type="text"
        inputmode="url"
        spellcheck={false}
        required
        value={value}
        aria-describedby="base_url-hint"
      />
    </Field>
  );
}

/** They are always empty when the page comes: what is stored is never shown. */
export function CredentialFields({ kind, app }: { kind: ConnectionKind; app?: Connection["app"] }) {
  switch (kind.credential) {
    case "none":
      return <p class="hint">{kind.needs}</p>;
    case "app":
      return <AppFields needs={kind.needs} app={app ?? null} />;
    case "token":
      return <SecretField name="token" label="Access token" hint={kind.needs} required />;
    case "key":
      return <SecretField name="api_key" label="API key" hint={kind.needs} />;
  }
}

function SecretField(props: { name: string; label: string; hint: string; required?: boolean }) {
  const { name, label, hint, required } = props;
  return (
    <Field id={name} name={name} label={label} hint={hint}>
      <input
        id={name}
        name={name}
        type="password"
        required={required}
        autocomplete="new-password"
        spellcheck={false}
        data-empty="null"
        aria-describedby={`${name}-hint`}
      />
    </Field>
  );
}

function AppFields({ needs, app }: { needs: string; app: Connection["app"] }) {
  const number = (field: "app_id" | "installation_id", label: string) => (
    <Field id={field} name={`app.${field}`} label={label}>
      <input
        id={field}
        name={`app.${field}`}
        type="number"
        min="1"
        step="1"
        required
        value={app?.[field]}
        data-type="integer"
      />
    </Field>
  );
  return (
    <>
      {number("app_id", "App ID")}
      {number("installation_id", "Installation ID")}
      <Field
        id="private_key"
        name="app.private_key"
        label="Private key"
        hint={`The whole text of the .pem file. ${needs}`}
      >
        <textarea
          id="private_key"
          name="app.private_key"
          class="secret"
          rows={6}
          required
          autocomplete="off"
          spellcheck={false}
          aria-describedby="private_key-hint"
        ></textarea>
      </Field>
    </>
  );
}

export function ModelLimitFields({ of }: { of?: Connection }) {
  return (
    <div class="field-row">
      <Field
        id="context_window"
        name="context_window"
        label="Context window, tokens"
        hint="Empty: the agent's own default."
      >
        <input
          id="context_window"
          name="context_window"
          type="number"
          min={LLM_CONTEXT_TOKENS_MIN}
          max={LLM_CONTEXT_TOKENS_MAX}
          step="1"
          value={of?.context_window ?? ""}
          data-type="integer"
          data-empty="null"
          aria-describedby="context_window-hint"
        />
      </Field>
      <Field
        id="concurrency_max"
        name="concurrency_max"
        label="Calls at once"
        hint="Of each server process. Empty: no limit."
      >
        <input
          id="concurrency_max"
          name="concurrency_max"
          type="number"
          min="1"
          max={LLM_CONCURRENCY_MAX}
          step="1"
          value={of?.concurrency_max ?? ""}
          data-type="integer"
          data-empty="null"
          aria-describedby="concurrency_max-hint"
        />
      </Field>
    </div>
  );
}

import { Text } from "@mantine/core";
import type { Connection } from "@windshift/contract/api/connection.ts";
import { useState } from "react";
import { z } from "zod";
import { callApi, sendApi } from "../api/api.ts";
import { useApiForm } from "../parts/api-form.ts";
import { ConfirmButton } from "../parts/confirm-button.tsx";
import { useEditDraft } from "../parts/edit-draft.ts";
import { FormFrame } from "../parts/form-frame.tsx";
import { CONNECTION_FIELDS, connectionStart, credentialBody, limitsBody } from "./connection-draft.ts";
import { AddressField, CredentialFields, ModelLimitFields, NameField } from "./connection-fields.tsx";
import type { ConnectionKind } from "./connection-kinds.ts";
import { WebhookLines } from "./new-connection-page.tsx";
import { refreshSettings } from "./settings-queries.ts";
import { Section } from "./settings-section.tsx";

interface View {
  workspace: string;
  connection: Connection;
  kind: ConnectionKind;
}

/** Its name and, of models, its limits. */
export function NameForm({ workspace, connection, kind }: View) {
  const [typed, change, forget, touched] = useEditDraft(
    `connection:${connection.id}`,
    connectionStart(kind, connection),
  );
  const form = useApiForm(["name", "context_window", "concurrency_max"]);
  const llm = connection.kind === "llm";
  const send = async () => {
    const body = { name: typed.name, ...(llm ? limitsBody(typed) : {}) };
    await sendApi("PATCH", `/api/v1/connections/${connection.id}`, body);
    await refreshSettings(workspace, "connections");
    forget();
  };
  return (
    <Section title={llm ? "Name and limits" : "Name"}>
      <FormFrame
        form={form}
        verb="Save"
        onSend={send}
        onDiscard={touched ? forget : undefined}
        done="Saved."
        variant="default"
      >
        <NameField form={form} typed={typed} change={change} />
        {llm && <ModelLimitFields form={form} typed={typed} change={change} />}
      </FormFrame>
    </Section>
  );
}

/** Both at once: a stored credential is never sent to another address than it was given for. */
export function CredentialForm({ workspace, connection, kind }: View) {
  const [typed, setTyped] = useState(connectionStart(kind, connection));
  const [secret, setSecret] = useState("");
  const form = useApiForm(CONNECTION_FIELDS);
  const fields = {
    form,
    typed,
    change: (part: Partial<typeof typed>) => setTyped({ ...typed, ...part }),
  };
  const send = async () => {
    const address = typed.base_url === connection.base_url ? {} : { base_url: typed.base_url };
    const body = { ...address, ...credentialBody(kind, typed, secret) };
    await sendApi("PATCH", `/api/v1/connections/${connection.id}`, body);
    setSecret("");
    await refreshSettings(workspace, "connections");
  };
  // An empty field takes no stored key away: that has a button of its own.
  const nothingNew = secret === "" && typed.base_url === connection.base_url;
  return (
    <Section
      title="Change the credential"
      hint="The new one takes the place of the stored one, which cannot be read back. A new address needs the credential again."
    >
      <FormFrame
        form={form}
        verb="Replace credential"
        onSend={send}
        done="The new credential is stored. Test the connection to see whether it works."
        variant="default"
        disabled={kind.credential === "key" && nothingNew}
        aside={
          kind.credential === "key" &&
          connection.secret_fingerprint !== null && (
            <RemoveKey workspace={workspace} connection={connection} />
          )
        }
      >
        <AddressField {...fields} kind={kind} />
        <CredentialFields {...fields} kind={kind} secret={secret} setSecret={setSecret} />
      </FormFrame>
    </Section>
  );
}

function RemoveKey({ workspace, connection }: Pick<View, "workspace" | "connection">) {
  const remove = async () => {
    await sendApi("PATCH", `/api/v1/connections/${connection.id}`, { api_key: null });
    await refreshSettings(workspace, "connections");
  };
  return (
    <ConfirmButton
      label="Remove the key"
      title={`Remove the key of ${connection.name}?`}
      verb="Remove the key"
      onConfirm={remove}
    >
      It cannot be read back. Models that ask for a key answer no more until there is a new one.
    </ConfirmButton>
  );
}

const RenewedSecret = z.object({ webhook_url: z.string(), webhook_secret: z.string() });

/** Where the forge sends to, and the secret it signs with, shown once when it is made. */
export function Webhook({ connection, address }: View & { address: string }) {
  const [secret, setSecret] = useState<string>();
  const form = useApiForm();
  const send = async () => {
    const path = `/api/v1/connections/${connection.id}/webhook-secret`;
    setSecret((await callApi("POST", path, RenewedSecret)).webhook_secret);
  };
  return (
    <Section title="Webhook">
      <FormFrame form={form} verb="Make a webhook secret" onSend={send} variant="default">
        <Text size="sm">
          The forge may send to <code>{address}</code>, so that changes are seen within seconds. Without a
          webhook they are seen by asking. A secret that was made before is refused from then on.
        </Text>
      </FormFrame>
      {secret !== undefined && <WebhookLines address={address} secret={secret} />}
    </Section>
  );
}

import { Text } from "@mantine/core";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { type Connection, ConnectionWithSecret } from "@windshift/contract/api/connection.ts";
import { useState } from "react";
import { callApi } from "../api/api.ts";
import { useApiForm } from "../parts/api-form.ts";
import { CopyLine } from "../parts/copy-line.tsx";
import { useDraft } from "../parts/draft.ts";
import { FormFrame } from "../parts/form-frame.tsx";
import { PageHead } from "../parts/page-head.tsx";
import { paths } from "../paths.ts";
import { NotFoundPage } from "../shell/error-page.tsx";
import { CONNECTION_FIELDS, connectionStart, newConnectionBody } from "./connection-draft.ts";
import { AddressField, CredentialFields, ModelLimitFields, NameField } from "./connection-fields.tsx";
import { type ConnectionKind, findConnectionKind } from "./connection-kinds.ts";
import { useWorkspaceKey } from "./settings-frame.tsx";
import { refreshSettings } from "./settings-queries.ts";

/** The form that adds a connection of one kind. */
export function NewConnectionPage() {
  const workspace = useWorkspaceKey();
  const navigate = useNavigate();
  const { kind: id = "" } = useParams({ strict: false }) as { kind?: string };
  const [made, setMade] = useState<ConnectionWithSecret>();
  const kind = findConnectionKind(id);
  if (kind === undefined) return <NotFoundPage />;
  if (made?.webhook_secret !== undefined)
    return <WebhookSecretOnce workspace={workspace} made={made} secret={made.webhook_secret} />;
  return (
    <>
      <PageHead title={`Add a connection: ${kind.title}`} />
      <NewConnectionForm
        workspace={workspace}
        kind={kind}
        onMade={(connection) => {
          if (connection.webhook_secret !== undefined) setMade(connection);
          else void navigate({ to: paths.settings(workspace, `connections/${connection.id}`) });
        }}
      />
    </>
  );
}

/** Makes a connection; what was typed stays in this browser until it worked, the credential does not. */
export function NewConnectionForm(props: {
  workspace: string;
  kind: ConnectionKind;
  onMade(connection: ConnectionWithSecret): void;
  verb?: string;
}) {
  const { workspace, kind, onMade, verb = "Add connection" } = props;
  const [typed, setTyped, forget] = useDraft(`connection:${workspace}:${kind.id}`, connectionStart(kind));
  const [secret, setSecret] = useState("");
  const form = useApiForm(CONNECTION_FIELDS);
  const fields = { form, typed, change: (part: Partial<typeof typed>) => setTyped({ ...typed, ...part }) };
  const send = async () => {
    const made = await callApi(
      "POST",
      `/api/v1/workspaces/${workspace}/connections`,
      ConnectionWithSecret,
      newConnectionBody(kind, typed, secret),
    );
    forget();
    setSecret("");
    await refreshSettings(workspace, "connections");
    onMade(made);
  };
  return (
    <FormFrame form={form} verb={verb} onSend={send} label={kind.title}>
      <NameField {...fields} />
      <AddressField {...fields} kind={kind} />
      <CredentialFields {...fields} kind={kind} secret={secret} setSecret={setSecret} />
      {kind.kind === "llm" && <ModelLimitFields {...fields} />}
    </FormFrame>
  );
}

function WebhookSecretOnce(props: { workspace: string; made: Connection; secret: string }) {
  const { workspace, made, secret } = props;
  return (
    <>
      <PageHead title={`${made.name} was added`} />
      <WebhookLines address={made.webhook_url ?? ""} secret={secret} />
      <Link to={paths.settings(workspace, `connections/${made.id}`)} className="add-link">
        Go on to {made.name}
      </Link>
    </>
  );
}

/** What the forge has to be told; the secret is shown this once. */
export function WebhookLines({ address, secret }: { address: string; secret: string }) {
  return (
    <div className="once" role="status">
      <Text size="sm">
        So that changes are seen within seconds, give these to a webhook of the forge, with the content type
        JSON. Copy the secret now, it is shown this once. Without a webhook changes are seen by asking.
      </Text>
      <CopyLine text={address} label="the address" />
      <CopyLine text={secret} label="the secret" />
    </div>
  );
}

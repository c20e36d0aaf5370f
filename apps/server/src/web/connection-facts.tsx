/** @jsxImportSource hono/jsx */
import type { Connection } from "@windshift/contract/api/connection.ts";
import type { Child } from "hono/jsx";
import { connectionKindOf } from "./connection-kinds.ts";

/** What may be known of a connection: of its credential the fingerprint, which tells two apart and cannot be read back. */
export function ConnectionFacts({ connection }: { connection: Connection }) {
  const { base_url, secret_fingerprint, app } = connection;
  const kind = connectionKindOf(connection);
  return (
    <dl class="facts">
      <Fact name="Kind">{kind.title}</Fact>
      {base_url !== null && <Fact name="Address">{base_url}</Fact>}
      {kind.credential !== "none" && (
        <Fact name="Credential">
          {secret_fingerprint === null ? (
            <span class="muted">none</span>
          ) : (
            <code title="Fingerprint of the stored credential">{secret_fingerprint}</code>
          )}
        </Fact>
      )}
      {app && (
        <Fact name="App">
          {app.app_id}, installation {app.installation_id}
        </Fact>
      )}
    </dl>
  );
}

function Fact({ name, children }: { name: string; children?: Child }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

import type { Connection } from "@windshift/contract/api/connection.ts";
import type { ReactNode } from "react";
import { connectionKindOf } from "./connection-kinds.ts";
import { Facts } from "./settings-section.tsx";

/** What may be known of a connection: of its credential the fingerprint, which tells two apart and cannot be read back. */
export function ConnectionFacts({ connection }: { connection: Connection }) {
  const { base_url, secret_fingerprint, app } = connection;
  const kind = connectionKindOf(connection);
  const facts: [string, ReactNode][] = [["Kind", kind.title]];
  if (base_url !== null) facts.push(["Address", base_url]);
  if (kind.credential !== "none") facts.push(["Credential", <Fingerprint key="f" of={secret_fingerprint} />]);
  if (app) facts.push(["App", `${app.app_id}, installation ${app.installation_id}`]);
  return <Facts of={facts} />;
}

function Fingerprint({ of }: { of: string | null }) {
  if (of === null) return <span className="quiet">none</span>;
  return <code title="Fingerprint of the stored credential">{of}</code>;
}

import { Button, Group, Text, VisuallyHidden } from "@mantine/core";
import { type Connection, ConnectionCheck } from "@windshift/contract/api/connection.ts";
import { useState } from "react";
import { callApi } from "../api/api.ts";
import { TimeText } from "../parts/time-text.tsx";
import { refreshSettings } from "./settings-queries.ts";
import { StateWord } from "./settings-section.tsx";

/** How the last try of the credential went, in a word and a time. */
export function ConnectionState({ connection }: { connection: Connection }) {
  const { checked_at, check_problem } = connection;
  return (
    <Group gap="xs">
      {checked_at === null ? (
        <StateWord state="plain">Not tested</StateWord>
      ) : check_problem === null ? (
        <StateWord state="good">Works</StateWord>
      ) : (
        <StateWord state="bad">Problem</StateWord>
      )}
      {checked_at !== null && (
        <Text c="dimmed" size="sm" component="span">
          tested <TimeText at={checked_at} />
        </Text>
      )}
    </Group>
  );
}

/** The state with the button that tries it, and in place what is missing. */
export function ConnectionCheckRow(props: {
  workspace: string;
  connection: Connection;
  onChecked?: (found: ConnectionCheck) => void;
}) {
  const { workspace, connection, onChecked } = props;
  const { id, name, check_problem, checked_at } = connection;
  const [said, setSaid] = useState<ConnectionCheck>();
  const [busy, setBusy] = useState(false);
  const check = async () => {
    setBusy(true);
    const found = await callApi("POST", `/api/v1/connections/${id}/check`, ConnectionCheck).catch(
      (error: Error) => ({ ok: false, message: error.message }),
    );
    await refreshSettings(workspace, "connections").catch(() => undefined);
    setSaid(found);
    setBusy(false);
    onChecked?.(found);
  };
  // What was found before the credential changed says nothing of the new one.
  const fresh = checked_at === null && !busy ? undefined : said;
  const problem = fresh === undefined ? check_problem : fresh.ok ? null : fresh.message;
  return (
    <div className="check">
      <ConnectionState connection={connection} />
      <Button size="xs" variant="default" loading={busy} onClick={check}>
        Test connection<VisuallyHidden> {name}</VisuallyHidden>
      </Button>
      <p role="status" className={`check-result ${problem === null ? "good" : "bad"}`}>
        {busy ? "Testing…" : (problem ?? fresh?.message)}
      </p>
    </div>
  );
}

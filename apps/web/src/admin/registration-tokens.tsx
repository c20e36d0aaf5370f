import { Button, NativeSelect, Text } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import {
  MintedRegistrationToken,
  type Pool,
  type RegistrationTokenRow,
} from "@windshift/contract/api/pool.ts";
import { useState } from "react";
import { callApi, sendApi } from "../api/api.ts";
import { queryClient } from "../api/query-client.ts";
import { useApiForm } from "../parts/api-form.ts";
import { CopyLine } from "../parts/copy-line.tsx";
import { FormFrame } from "../parts/form-frame.tsx";
import { TimeText } from "../parts/time-text.tsx";
import { Section, Tag } from "../settings/settings-section.tsx";
import { sayFailed } from "../shell/notices.tsx";
import { registrationTokensQuery } from "./admin-queries.ts";

/** How long a token may be good for, seconds; the first is what is chosen. */
const LIVES = [
  { label: "1 hour", value: "3600" },
  { label: "1 day", value: "86400" },
  { label: "7 days", value: "604800" },
];

const STATE_TEXT: Record<RegistrationTokenRow["state"], string> = {
  unused: "Open",
  used: "Used",
  expired: "Expired",
  revoked: "Revoked",
};

/** Where a token is made, which is shown once, and what became of the others. */
export function RegistrationTokens({ pool }: { pool: Pool }) {
  const { tokens } = useSuspenseQuery(registrationTokensQuery(pool.id)).data;
  const [life, setLife] = useState("3600");
  const [line, setLine] = useState<string>();
  const form = useApiForm(["expires_in_s"]);
  const at = `/api/v1/admin/pools/${pool.id}/registration-tokens`;
  const send = async () => {
    const made = await callApi("POST", at, MintedRegistrationToken, { expires_in_s: Number(life) });
    setLine(made.install_command);
    await queryClient.invalidateQueries(registrationTokensQuery(pool.id));
  };
  return (
    <Section
      title="Add a runner"
      hint="A registration token lets one runner join this pool, once. The line installs windshift-runner on a Debian or Alpine host and starts it."
    >
      <FormFrame form={form} verb="Make a registration token" label="Add a runner" onSend={send}>
        <NativeSelect
          label="May be used within"
          value={life}
          data={LIVES}
          onChange={(event) => setLife(event.currentTarget.value)}
          error={form.fieldError("expires_in_s")}
        />
      </FormFrame>
      {line !== undefined && (
        <div className="once" role="status">
          <Text size="sm">Copy the line now, it holds the token and is shown this once.</Text>
          <CopyLine text={line} label="the install line" />
        </div>
      )}
      {tokens.length > 0 && (
        <ul className="rows" aria-label="Registration tokens, newest first">
          {tokens.map((token) => (
            <TokenRow key={token.id} at={at} pool={pool.id} token={token} />
          ))}
        </ul>
      )}
    </Section>
  );
}

function TokenRow({ at, pool, token }: { at: string; pool: number; token: RegistrationTokenRow }) {
  const { id, state, created_at, created_by, expires_at } = token;
  const revoke = () =>
    sendApi("DELETE", `${at}/${id}`)
      .then(() => queryClient.invalidateQueries(registrationTokensQuery(pool)))
      .catch(sayFailed);
  return (
    <li className="row row-line">
      <span className="row-name">Token {id}</span>
      <Tag>{STATE_TEXT[state]}</Tag>
      <span className="quiet">
        made <TimeText at={created_at} /> by {created_by}
        {state === "unused" && `, may be used until ${new Date(expires_at).toLocaleString()}`}
      </span>
      {state === "unused" && (
        <span className="row-end">
          <Button size="xs" variant="default" aria-label={`Revoke token ${id}`} onClick={revoke}>
            Revoke
          </Button>
        </span>
      )}
    </li>
  );
}

import { Text, TextInput } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import { type ApiToken, ApiTokenWithSecret, type TokenScope } from "@windshift/contract/api/token.ts";
import { API_TOKEN_DAYS, NAME_CHARS_MAX } from "@windshift/contract/limits.ts";
import { useState } from "react";
import { callApi, sendApi } from "../api/api.ts";
import { queryClient } from "../api/query-client.ts";
import { useApiForm } from "../parts/api-form.ts";
import { ConfirmButton } from "../parts/confirm-button.tsx";
import { CopyLine } from "../parts/copy-line.tsx";
import { useDraft } from "../parts/draft.ts";
import { FormFrame } from "../parts/form-frame.tsx";
import { countTyped } from "../parts/money-text.ts";
import { TimeText } from "../parts/time-text.tsx";
import { Section, Tags } from "../settings/settings-section.tsx";
import { sayDone } from "../shell/notices.tsx";
import { tokensQuery } from "./account-queries.ts";
import { DaysField, ScopeField } from "./token-fields.tsx";

const START = { name: "", scope: "write" as TokenScope, days: String(API_TOKEN_DAYS) };

/** Tokens with which programs act as the person: made here and shown once, or by the sign-in of a command line. */
export function ApiTokens() {
  const { tokens } = useSuspenseQuery(tokensQuery).data;
  const [made, setMade] = useState<ApiTokenWithSecret>();
  const [typed, setTyped, forget] = useDraft("account:token", START);
  const form = useApiForm(["name", "scopes", "expires_in_days"]);
  const send = async () => {
    const days = countTyped(typed.days, "expires_in_days");
    const body = {
      name: typed.name,
      scopes: [typed.scope],
      ...(days === null ? {} : { expires_in_days: days }),
    };
    setMade(await callApi("POST", "/api/v1/tokens", ApiTokenWithSecret, body));
    forget();
    await queryClient.invalidateQueries(tokensQuery);
  };
  return (
    <Section title="API tokens" hint="With one a program does what you may do, as far as its scope goes.">
      <ul className="rows" aria-label="API tokens">
        {tokens.map((token) => (
          <TokenRow key={token.id} token={token} />
        ))}
      </ul>
      <FormFrame form={form} verb="Make a token" label="New API token" onSend={send}>
        <div className="field-row">
          <TextInput
            label="Name of the token"
            description="What it is for, such as CI."
            required
            maxLength={NAME_CHARS_MAX}
            value={typed.name}
            onChange={(event) => setTyped({ ...typed, name: event.currentTarget.value })}
            error={form.fieldError("name")}
          />
          <ScopeField
            value={typed.scope}
            onChange={(scope) => setTyped({ ...typed, scope })}
            error={form.fieldError("scopes")}
          />
          <DaysField
            value={typed.days}
            onChange={(days) => setTyped({ ...typed, days })}
            error={form.fieldError("expires_in_days")}
          />
        </div>
      </FormFrame>
      {made !== undefined && (
        <div className="once" role="status">
          <Text size="sm">Copy the token now, it is shown this once.</Text>
          <CopyLine text={made.token} label="the token" />
        </div>
      )}
    </Section>
  );
}

function TokenRow({ token }: { token: ApiToken }) {
  const { id, name, scopes, created_at, expires_at, last_used_at } = token;
  const revoke = async () => {
    await sendApi("DELETE", `/api/v1/tokens/${id}`);
    await queryClient.invalidateQueries(tokensQuery);
    sayDone(`The token ${name} works no more.`);
  };
  return (
    <li className="row row-line">
      <span className="row-name">{name}</span>
      <Tags of={scopes} />
      <span className="quiet">
        made <TimeText at={created_at} />, ends <TimeText at={expires_at} />,{" "}
        {last_used_at === null ? (
          "never used"
        ) : (
          <>
            last used <TimeText at={last_used_at} />
          </>
        )}
      </span>
      <span className="row-end">
        <ConfirmButton
          size="xs"
          label={`Revoke ${name}`}
          short="Revoke"
          title={`Revoke the token ${name}?`}
          verb="Revoke"
          onConfirm={revoke}
        >
          Whatever uses it is refused from its next request on.
        </ConfirmButton>
      </span>
    </li>
  );
}

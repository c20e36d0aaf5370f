import { Text, TextInput } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import { OidcLink } from "@windshift/contract/api/oidc.ts";
import { useState } from "react";
import { callApi, sendApi } from "../api/api.ts";
import { meQuery, useMe } from "../api/me.ts";
import { queryClient } from "../api/query-client.ts";
import { useApiForm } from "../parts/api-form.ts";
import { ConfirmButton } from "../parts/confirm-button.tsx";
import { FormFrame } from "../parts/form-frame.tsx";
import { Section } from "../settings/settings-section.tsx";
import { sayDone } from "../shell/notices.tsx";
import { OidcProblemText } from "../welcome/login-page.tsx";
import { setupQuery } from "../welcome/welcome-queries.ts";

/** Connects the account with the sign-in provider of the organization, where there is one, and parts them. */
export function ProviderSignIn() {
  const { problem } = useSearch({ strict: false }) as { problem?: string };
  const { oidc } = useSuspenseQuery(setupQuery).data;
  const { oidc_linked: linked, has_password } = useMe();
  const [password, setPassword] = useState("");
  const form = useApiForm(["current_password"]);
  if (oidc === null) return null;
  const connect = async () => {
    const { url } = await callApi(
      "POST",
      "/api/v1/me/oidc",
      OidcLink,
      has_password ? { current_password: password } : {},
    );
    location.assign(url);
  };
  const part = async () => {
    await sendApi("DELETE", "/api/v1/me/oidc");
    await queryClient.invalidateQueries(meQuery);
    sayDone(`The account is parted from ${oidc.name}.`);
  };
  return (
    <Section title={`Sign in with ${oidc.name}`}>
      <OidcProblemText problem={problem} />
      {!linked && (
        <FormFrame
          form={form}
          verb={`Connect with ${oidc.name}`}
          label={oidc.name}
          onSend={connect}
          variant="default"
        >
          <Text size="sm" c="dimmed">
            Once connected, you can sign in here as whom {oidc.name} knows you, also after your password is
            changed.
          </Text>
          {has_password && (
            <TextInput
              type="password"
              label="Your password here"
              autoComplete="current-password"
              required
              value={password}
              onChange={(event) => setPassword(event.currentTarget.value)}
              error={form.fieldError("current_password")}
            />
          )}
        </FormFrame>
      )}
      {linked && !has_password && (
        <Text size="sm" c="dimmed">
          Your account is connected, and has no other way in.
        </Text>
      )}
      {linked && has_password && (
        <ConfirmButton
          label={`Part from ${oidc.name}`}
          title={`Part the account from ${oidc.name}?`}
          verb="Part them"
          onConfirm={part}
        >
          You sign in with your password from then on.
        </ConfirmButton>
      )}
    </Section>
  );
}

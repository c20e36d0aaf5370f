import { Text, TextInput, useMantineColorScheme } from "@mantine/core";
import { NAME_CHARS_MAX } from "@windshift/contract/limits.ts";
import { useState } from "react";
import { sendApi } from "../api/api.ts";
import { meQuery, useMe } from "../api/me.ts";
import { queryClient } from "../api/query-client.ts";
import { useApiForm } from "../parts/api-form.ts";
import { useEditDraft } from "../parts/edit-draft.ts";
import { FormFrame } from "../parts/form-frame.tsx";
import { PageHead } from "../parts/page-head.tsx";
import { Switcher } from "../parts/switcher.tsx";
import { Section } from "../settings/settings-section.tsx";
import { NewPasswordField } from "../welcome/person-fields.tsx";
import { sessionsQuery, tokensQuery } from "./account-queries.ts";
import { ApiTokens } from "./api-tokens.tsx";
import { ProviderSignIn } from "./provider-sign-in.tsx";
import { Sessions } from "./sessions.tsx";

/** Name, password, browsers, tokens and colors of the person at the page. */
export function AccountPage() {
  const me = useMe();
  return (
    <div className="account">
      <PageHead title="Account" />
      <NameForm name={me.name} email={me.email} />
      <Section title="Password">{me.has_password ? <PasswordForm /> : <NoPassword />}</Section>
      <ProviderSignIn />
      <Sessions />
      <ApiTokens />
      <Colors />
    </div>
  );
}

function NameForm({ name, email }: { name: string; email: string }) {
  const [typed, change, forget, touched] = useEditDraft("account:name", { name });
  const form = useApiForm(["name"]);
  const save = async () => {
    await sendApi("PATCH", "/api/v1/me", typed);
    await queryClient.invalidateQueries(meQuery);
    forget();
  };
  return (
    <FormFrame
      form={form}
      verb="Save"
      label="Name"
      onSend={save}
      onDiscard={touched ? forget : undefined}
      done="Saved."
      variant="default"
    >
      <TextInput
        label="Name"
        description={`Signed in as ${email}.`}
        autoComplete="name"
        required
        maxLength={NAME_CHARS_MAX}
        value={typed.name}
        onChange={(event) => change({ name: event.currentTarget.value })}
        error={form.fieldError("name")}
      />
    </FormFrame>
  );
}

function PasswordForm() {
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const form = useApiForm(["current_password", "new_password"]);
  const save = async () => {
    await sendApi("POST", "/api/v1/me/password", { current_password: current, new_password: next });
    setCurrent("");
    setNext("");
    await Promise.all([
      queryClient.invalidateQueries(sessionsQuery),
      queryClient.invalidateQueries(tokensQuery),
    ]);
  };
  return (
    <FormFrame
      form={form}
      verb="Change the password"
      label="Password"
      onSend={save}
      done="Changed. Every other browser is signed out. Your API tokens ended."
      variant="default"
    >
      <TextInput
        type="password"
        label="Present password"
        autoComplete="current-password"
        required
        value={current}
        onChange={(event) => setCurrent(event.currentTarget.value)}
        error={form.fieldError("current_password")}
      />
      <NewPasswordField
        label="New password"
        value={next}
        onChange={setNext}
        error={form.fieldError("new_password")}
      />
    </FormFrame>
  );
}

function NoPassword() {
  return (
    <Text size="sm" c="dimmed">
      You sign in with your organization's provider and have no password here. An administrator can hand you a
      link with which you choose one.
    </Text>
  );
}

const SCHEMES = [
  { value: "auto", text: "As the system" },
  { value: "light", text: "Light" },
  { value: "dark", text: "Dark" },
] as const;

function Colors() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <Section title="Colors" hint="Kept in this browser.">
      <Switcher label="Colors" value={colorScheme} onChange={setColorScheme} choices={SCHEMES} />
    </Section>
  );
}

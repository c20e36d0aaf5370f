import { Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { useState } from "react";
import { sendApi } from "../api/api.ts";
import { useApiForm } from "../parts/api-form.ts";
import { FormFrame } from "../parts/form-frame.tsx";
import { PagePending } from "../shell/page-pending.tsx";
import { Door } from "./door.tsx";
import { Spent } from "./invite-page.tsx";
import { NewPasswordField } from "./person-fields.tsx";
import { passwordLinkQuery, signIn } from "./welcome-queries.ts";

/** Chooses a password with a link that an administrator handed over. */
export function ResetPage() {
  const { token = "" } = useParams({ strict: false }) as { token?: string };
  const { data: person, error } = useQuery(passwordLinkQuery(token));
  const [password, setPassword] = useState("");
  const form = useApiForm(["password"]);
  if (error !== null) return <Spent error={error} />;
  if (person === undefined) return <PagePending />;
  const send = async () => {
    await sendApi("POST", "/api/v1/password-links/reset", { token, password });
    await signIn({ email: person.email, password });
    location.assign("/");
  };
  return (
    <Door title="Choose a password">
      <Text>
        For {person.name} ({person.email}). Every browser that is signed in as you is signed out, and your API
        tokens end.
      </Text>
      <FormFrame form={form} verb="Set the password and sign in" onSend={send}>
        <NewPasswordField value={password} onChange={setPassword} error={form.fieldError("password")} />
      </FormFrame>
    </Door>
  );
}

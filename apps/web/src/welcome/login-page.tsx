import { Button, Divider, Text, TextInput } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import { Navigate, useSearch } from "@tanstack/react-router";
import { OIDC_PROBLEM_TEXT, OidcProblem } from "@windshift/contract/api/oidc.ts";
import { useState } from "react";
import { queryString } from "../api/api.ts";
import { useApiForm } from "../parts/api-form.ts";
import { FormFrame } from "../parts/form-frame.tsx";
import { Door } from "./door.tsx";
import { localPath } from "./local-path.ts";
import { setupQuery, signIn } from "./welcome-queries.ts";

/** The ways in: a password, and the provider of the organization where there is one. */
export function LoginPage() {
  const { next, problem } = useSearch({ strict: false }) as { next?: string; problem?: string };
  const { data: setup } = useSuspenseQuery(setupQuery);
  if (!setup.set_up) return <Navigate to="/setup" replace />;
  return (
    <Door title="Sign in to Windshift">
      <OidcProblemText problem={problem} />
      {setup.oidc !== null && (
        <>
          <Button
            component="a"
            href={`${setup.oidc.sign_in_path}${queryString({ return_to: localPath(next) })}`}
            variant="default"
          >
            Sign in with {setup.oidc.name}
          </Button>
          <Divider label="or with a password" />
        </>
      )}
      <PasswordForm next={localPath(next)} />
      <Text c="dimmed" size="sm">
        No account, or no password that works? An administrator of this installation can invite you, or hand
        you a link with which you choose a new password.
      </Text>
    </Door>
  );
}

function PasswordForm({ next }: { next: string }) {
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const form = useApiForm(["email", "password"]);
  const send = async () => {
    await signIn({ email, password });
    // A full load, so that nothing of an earlier person's page stays in memory.
    location.assign(next);
  };
  return (
    <FormFrame form={form} verb="Sign in" onSend={send}>
      <TextInput
        label="E-mail"
        type="email"
        autoComplete="username"
        required
        value={email}
        onChange={(event) => setEmail(event.currentTarget.value)}
        error={form.fieldError("email")}
      />
      <TextInput
        type="password"
        label="Password"
        autoComplete="current-password"
        required
        value={password}
        onChange={(event) => setPassword(event.currentTarget.value)}
        error={form.fieldError("password")}
      />
    </FormFrame>
  );
}

/** Why a sign-in at the provider came to nothing, by the word that the address carries. */
export function OidcProblemText({ problem }: { problem: string | undefined }) {
  const known = OidcProblem.safeParse(problem);
  if (!known.success) return null;
  return (
    <Text role="alert" c="var(--mantine-color-error)" size="sm">
      {OIDC_PROBLEM_TEXT[known.data]}
    </Text>
  );
}

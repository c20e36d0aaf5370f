import { Button, Container, Stack, Text, TextInput, Title } from "@mantine/core";
import { useSearch } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { sendApi } from "../api/api.ts";
import { useApiForm } from "../parts/api-form.ts";
import { Mark } from "../shell/mark.tsx";

export function LoginPage() {
  const { next } = useSearch({ strict: false }) as { next?: string };
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const form = useApiForm(["email", "password"]);
  const signIn = async (event: FormEvent) => {
    event.preventDefault();
    const worked = await form.submit(() => sendApi("POST", "/api/auth/sign-in/email", { email, password }));
    // A full load, so that nothing of an earlier person's page stays in memory.
    if (worked) location.assign(localPath(next));
  };
  return (
    <Container size={360} py={80} component="main">
      <Stack gap="md">
        <Mark />
        <Title order={1} size="h3">
          Sign in to Windshift
        </Title>
        <form onSubmit={signIn}>
          <Stack gap="sm">
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
            {form.problem !== undefined && (
              <Text role="alert" c="var(--mantine-color-error)" size="sm">
                {form.problem}
              </Text>
            )}
            <Button type="submit" loading={form.busy}>
              Sign in
            </Button>
          </Stack>
        </form>
      </Stack>
    </Container>
  );
}

/** Where to go after the sign-in: a path of this site, whatever the link said. */
function localPath(next: string | undefined): string {
  return next !== undefined && /^\/(?![/\\])/.test(next) ? next : "/";
}

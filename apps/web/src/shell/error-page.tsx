import { Anchor, Button, Container, Group, Text, Title } from "@mantine/core";
import { useQueryErrorResetBoundary } from "@tanstack/react-query";
import { type ErrorComponentProps, Link, useRouter } from "@tanstack/react-router";
import { useEffect } from "react";
import { ApiError } from "../api/api.ts";
import { paths } from "../paths.ts";

/** What is not there and what is not yours look the same. */
export function NotFoundPage() {
  return (
    <Message title="There is nothing here" code="404">
      <Text c="dimmed">
        It may have been deleted, or you may not be a member of its workspace. An admin of the workspace can
        add you.
      </Text>
      <Group mt="lg">
        <Button component={Link} to={paths.myWork}>
          Go to my work
        </Button>
      </Group>
    </Message>
  );
}

/** A page that could not be shown; it heals by itself once the server answers again. */
export function ErrorPage({ error: thrown }: ErrorComponentProps) {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const router = useRouter();
  const { reset } = useQueryErrorResetBoundary();
  const offline = error instanceof ApiError && (error.status === 0 || error.status >= 502);
  const retry = () => {
    reset();
    void router.invalidate();
  };
  useEffect(() => {
    if (!offline) return;
    const timer = setInterval(retry, OFFLINE_RETRY_MS);
    return () => clearInterval(timer);
  });
  if (error instanceof ApiError && (error.status === 404 || error.status === 403)) return <NotFoundPage />;
  if (error instanceof ApiError && error.status === 401) return <SignedOut />;
  return (
    <Message title={offline ? "The server does not answer" : "This page could not be shown"} code="">
      <Text c="dimmed">{offline ? "Trying again every few seconds." : sentenceOf(error)}</Text>
      <Group mt="lg">
        <Button onClick={retry}>Try again</Button>
      </Group>
    </Message>
  );
}

/** How often a page that met no server tries again, ms. */
const OFFLINE_RETRY_MS = 5_000;

function SignedOut() {
  return (
    <Message title="You are signed out" code="">
      <Text c="dimmed">Your session has ended. What you typed is kept in this browser.</Text>
      <Anchor mt="lg" href={paths.login(location.pathname + location.search)}>
        Sign in again
      </Anchor>
    </Message>
  );
}

function sentenceOf(error: Error): string {
  return error instanceof ApiError
    ? error.message
    : "The page met something it did not expect. Reload it; if that does not help, the server was updated.";
}

function Message(props: { title: string; code: string; children: React.ReactNode }) {
  useEffect(() => {
    document.title = `${props.title} · Windshift`;
  }, [props.title]);
  return (
    <Container size="xs" py="xl" component="section">
      {props.code !== "" && (
        <Text c="dimmed" ff="monospace">
          {props.code}
        </Text>
      )}
      <Title order={1} size="h2" mb="xs">
        {props.title}
      </Title>
      {props.children}
    </Container>
  );
}

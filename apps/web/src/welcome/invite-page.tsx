import { Button, Group, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import type { InvitationView } from "@windshift/contract/api/invitation.ts";
import { JoinedWorkspace } from "@windshift/contract/api/invitation.ts";
import { useState } from "react";
import { ApiError, callApi, sendApi } from "../api/api.ts";
import { meQuery } from "../api/me.ts";
import { useApiForm } from "../parts/api-form.ts";
import { useDraft } from "../parts/draft.ts";
import { FormFrame } from "../parts/form-frame.tsx";
import { visibleText } from "../parts/visible-text.ts";
import { paths } from "../paths.ts";
import { PagePending } from "../shell/page-pending.tsx";
import { Door } from "./door.tsx";
import { PersonFields } from "./person-fields.tsx";
import { invitationQuery, signIn } from "./welcome-queries.ts";

/** Takes an invitation into a workspace: as who is signed in, or with a new account. */
export function InvitePage() {
  const { token = "" } = useParams({ strict: false }) as { token?: string };
  const { data: invitation, error } = useQuery(invitationQuery(token));
  const { data: me, isPending, error: problem } = useQuery({ ...meQuery, retry: false });
  if (error !== null) return <Spent error={error} />;
  // Only who is known not to be signed in is asked to make an account.
  if (problem !== null && !(problem instanceof ApiError && problem.status === 401))
    return <Spent error={problem} />;
  if (invitation === undefined || isPending) return <PagePending />;
  const { workspace, role, invited_by } = invitation;
  return (
    <Door title={`Join ${visibleText(workspace.name)}`}>
      <Text>
        {visibleText(invited_by)} invites you into the workspace {visibleText(workspace.name)} (
        {workspace.key}), {ROLE_TEXT[role]}.
      </Text>
      {me === undefined ? (
        <SignUp token={token} invitation={invitation} />
      ) : (
        <Accept token={token} name={me.name} email={me.email} />
      )}
    </Door>
  );
}

const ROLE_TEXT: Record<InvitationView["role"], string> = {
  viewer: "to look at its work",
  member: "to work in it and to give work to its agents",
  admin: "as one of its admins",
};

/** What the server says of a link that opens nothing, and what to do. */
export function Spent({ error }: { error: Error }) {
  const gone = error instanceof ApiError && error.status === 404;
  return (
    <Door title={gone ? "This link does not work any more" : "This link could not be opened"}>
      <Text>
        {gone
          ? "It was used already, was withdrawn, or has expired. Ask whoever gave it to you for a new one."
          : error.message}
      </Text>
      <Group gap="xs">
        {!gone && <Button onClick={() => location.reload()}>Try again</Button>}
        <Button component="a" href={paths.login()} variant="default">
          Go to the sign-in
        </Button>
      </Group>
    </Door>
  );
}

function Accept({ token, name, email }: { token: string; name: string; email: string }) {
  const form = useApiForm();
  const send = async () => {
    const joined = await callApi("POST", "/api/v1/invitations/accept", JoinedWorkspace, { token });
    location.assign(paths.items(joined.key));
  };
  return (
    <FormFrame form={form} verb="Accept the invitation" onSend={send}>
      <Text size="sm">
        You are signed in as {name} ({email}).
      </Text>
    </FormFrame>
  );
}

function SignUp({ token, invitation }: { token: string; invitation: InvitationView }) {
  const start = { name: "", email: invitation.email ?? "" };
  const [typed, setTyped, forget] = useDraft("invitation:person", start);
  const [password, setPassword] = useState("");
  const form = useApiForm(["name", "email", "password"]);
  const person = { ...typed, email: invitation.email ?? typed.email };
  const send = async () => {
    await sendApi("POST", "/api/v1/invitations/sign-up", { ...person, password, token });
    await signIn({ email: person.email, password });
    forget();
    location.assign(paths.items(invitation.workspace.key));
  };
  return (
    <Stack>
      <FormFrame form={form} verb="Make my account and join" onSend={send}>
        <PersonFields
          form={form}
          person={{ ...person, password }}
          emailFixed={invitation.email !== null}
          change={({ password: secret, ...rest }) => {
            if (secret !== undefined) setPassword(secret);
            else setTyped({ ...typed, ...rest });
          }}
        />
      </FormFrame>
      <Text size="sm">
        You have an account? <a href={paths.login(location.pathname)}>Sign in</a>, and take the invitation
        with it.
      </Text>
    </Stack>
  );
}

import { Button, Code, Group, Text } from "@mantine/core";
import { useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { Navigate, useParams } from "@tanstack/react-router";
import type { CliLoginView } from "@windshift/contract/api/cli-login.ts";
import { CliUserCode } from "@windshift/contract/api/cli-login.ts";
import type { TokenScope } from "@windshift/contract/api/token.ts";
import { API_TOKEN_DAYS } from "@windshift/contract/limits.ts";
import { useState } from "react";
import { DaysField, ScopeField } from "../account/token-fields.tsx";
import { ApiError, sendApi } from "../api/api.ts";
import { meQuery } from "../api/me.ts";
import { queryClient } from "../api/query-client.ts";
import { useApiForm } from "../parts/api-form.ts";
import { FormFrame } from "../parts/form-frame.tsx";
import { countTyped } from "../parts/money-text.ts";
import { TimeText } from "../parts/time-text.tsx";
import { visibleText } from "../parts/visible-text.ts";
import { paths } from "../paths.ts";
import { NotFoundPage } from "../shell/error-page.tsx";
import { PagePending } from "../shell/page-pending.tsx";
import { Door } from "./door.tsx";
import { cliLoginQuery } from "./welcome-queries.ts";

/** Lets a command line act as the person at the page, who compares the code first. */
export function CliPage() {
  const { code = "" } = useParams({ strict: false }) as { code?: string };
  const parsed = CliUserCode.safeParse(code);
  const { data: me, error, isPending } = useQuery({ ...meQuery, retry: false });
  if (!parsed.success) return <NotFoundPage />;
  if (error instanceof ApiError && error.status === 401)
    return <Navigate to="/login" search={{ next: `/cli/${parsed.data}` }} replace />;
  if (error !== null) throw error;
  if (isPending) return <PagePending />;
  return <Approval code={parsed.data} email={me.email} />;
}

function Approval({ code, email }: { code: string; email: string }) {
  const { data: login } = useSuspenseQuery(cliLoginQuery(code));
  if (login.state === "approved")
    return (
      <Door title="The command line is signed in">
        <Text>You can close this page and go on in the terminal.</Text>
        <Text c="dimmed" size="sm">
          Its token is listed under <a href={paths.account}>your account</a>, where you can revoke it.
        </Text>
      </Door>
    );
  if (login.state === "denied")
    return (
      <Door title="The sign-in was refused">
        <Text>The command line was given nothing. You can close this page.</Text>
      </Door>
    );
  return <Pending login={login} email={email} />;
}

function Pending({ login, email }: { login: CliLoginView; email: string }) {
  const [scope, setScope] = useState<TokenScope>("write");
  const [days, setDays] = useState(String(API_TOKEN_DAYS));
  const form = useApiForm(["scopes", "expires_in_days"]);
  const at = `/api/v1/cli-logins/${login.user_code}`;
  const again = () => queryClient.invalidateQueries(cliLoginQuery(login.user_code));
  const approve = async () => {
    const expires_in_days = countTyped(days, "expires_in_days");
    await sendApi("POST", `${at}/approve`, { scopes: [scope], ...(expires_in_days && { expires_in_days }) });
    await again();
  };
  const deny = () => form.submit(() => sendApi("POST", `${at}/deny`).then(again));
  return (
    <Door title="Sign in a command line">
      <Text>
        <b>{visibleText(login.client_name)}</b>
        {login.address !== null && ` at ${login.address}`} asks to act as you ({email}). It asked{" "}
        <TimeText at={login.created_at} />.
      </Text>
      <Text>Go on only if the terminal shows this very code, and you started the sign-in yourself:</Text>
      <Code className="user-code">{login.user_code}</Code>
      <FormFrame
        form={form}
        verb="Approve"
        onSend={approve}
        aside={
          <Group>
            <Button variant="default" onClick={deny}>
              Refuse
            </Button>
          </Group>
        }
      >
        <ScopeField value={scope} onChange={setScope} error={form.fieldError("scopes")} />
        <DaysField value={days} onChange={setDays} error={form.fieldError("expires_in_days")} />
      </FormFrame>
    </Door>
  );
}

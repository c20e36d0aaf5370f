import { Button } from "@mantine/core";
import { type AdminUser, PasswordLink } from "@windshift/contract/api/user.ts";
import type { ReactNode } from "react";
import { callApi, sendApi } from "../api/api.ts";
import { useMe } from "../api/me.ts";
import { queryClient } from "../api/query-client.ts";
import { ConfirmButton } from "../parts/confirm-button.tsx";
import { TimeText } from "../parts/time-text.tsx";
import { visibleText } from "../parts/visible-text.ts";
import { StateWord, Tag } from "../settings/settings-section.tsx";
import { sayDone, sayFailed } from "../shell/notices.tsx";
import type { LinkFor } from "./users-page.tsx";

/** One person, what an administrator can do about them, and what came of it. */
export function UserRow(props: { user: AdminUser; onLink(made: LinkFor): void; children: ReactNode }) {
  const { user, onLink, children } = props;
  const me = useMe();
  const { id, name, email, admin, disabled, sign_in, identities, workspaces_count, last_sign_in_at } = user;
  const patch = async (part: object, done: string) => {
    await sendApi("PATCH", `/api/v1/admin/users/${encodeURIComponent(id)}`, part);
    await queryClient.invalidateQueries({ queryKey: ["admin", "users"] });
    sayDone(done);
  };
  const reset = async () => {
    const path = `/api/v1/admin/users/${encodeURIComponent(id)}/password-link`;
    onLink({ user: id, name, link: await callApi("POST", path, PasswordLink) });
  };
  const signOut = async () => {
    await sendApi("DELETE", `/api/v1/admin/users/${encodeURIComponent(id)}/sessions`);
    await queryClient.invalidateQueries({ queryKey: ["admin", "users"] });
    sayDone(`${name} is signed out everywhere, and their API tokens ended.`);
  };
  return (
    <li className="row row-line">
      <span className="row-name">{visibleText(name)}</span>
      <span className="quiet">{email}</span>
      {admin && <Tag>administrator</Tag>}
      {id === me.id && <Tag>you</Tag>}
      {disabled && <StateWord state="bad">Disabled</StateWord>}
      <span className="quiet">
        {workspaces_count} {workspaces_count === 1 ? "workspace" : "workspaces"},{" "}
        {sign_in.length === 0
          ? "no way to sign in yet"
          : `signs in by ${sign_in.map((way) => WAYS[way]).join(" and ")}`}
        {last_sign_in_at !== null && (
          <>
            , last <TimeText at={last_sign_in_at} />
          </>
        )}
      </span>
      {identities.map(({ issuer, subject, connected_at }) => (
        <span key={`${issuer} ${subject}`} className="quiet">
          known to {issuer} as {subject} since <TimeText at={connected_at} />
        </span>
      ))}
      {id !== me.id && (
        <span className="row-end">
          <Button
            size="xs"
            variant="default"
            onClick={() => reset().catch(sayFailed)}
            aria-label={`Make a password link for ${name}`}
          >
            Password link
          </Button>
          <ConfirmButton
            size="xs"
            label={admin ? `Take administration from ${name}` : `Make administrator: ${name}`}
            short={admin ? "Take administration" : "Make administrator"}
            title={admin ? `Take administration from ${name}?` : `Make ${name} an administrator?`}
            verb={admin ? "Take it" : "Make administrator"}
            onConfirm={() =>
              patch(
                { admin: !admin },
                admin ? `${name} is no administrator any more.` : `${name} is an administrator now.`,
              )
            }
          >
            {admin
              ? "They keep their workspaces, and see the administration of the installation no more."
              : "They may then do all that you may: people, runners, usage, the audit log and backups of the whole installation."}
          </ConfirmButton>
          <ConfirmButton
            size="xs"
            label={`Sign out everywhere: ${name}`}
            short="Sign out everywhere"
            title={`Sign ${name} out everywhere?`}
            verb="Sign out"
            onConfirm={signOut}
          >
            Every browser of theirs is signed out, and their API tokens end. They can sign in again
            {identities.length > 0 && ", also with the provider that their account is connected with"}.
          </ConfirmButton>
          {disabled ? (
            <Button
              size="xs"
              variant="default"
              onClick={() => patch({ disabled: false }, `${name} can sign in again.`).catch(sayFailed)}
              aria-label={`Enable ${name}`}
            >
              Enable
            </Button>
          ) : (
            <ConfirmButton
              size="xs"
              label={`Disable ${name}`}
              short="Disable"
              title={`Disable ${name}?`}
              verb="Disable"
              onConfirm={() => patch({ disabled: true }, `${name} is signed out everywhere.`)}
            >
              They are signed out everywhere, API tokens included, and cannot sign in until they are enabled
              again. What they wrote stays.
            </ConfirmButton>
          )}
        </span>
      )}
      {children}
    </li>
  );
}

const WAYS: Record<AdminUser["sign_in"][number], string> = { password: "password", oidc: "the provider" };

import { Button, NativeSelect, Text, TextInput, VisuallyHidden } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import { type Invitation, InvitationWithLink } from "@windshift/contract/api/invitation.ts";
import { Role } from "@windshift/contract/api/workspace.ts";
import { INVITATION_DAYS, INVITATION_DAYS_MAX } from "@windshift/contract/limits.ts";
import { useState } from "react";
import { callApi, sendApi } from "../api/api.ts";
import { useApiForm } from "../parts/api-form.ts";
import { CopyLine } from "../parts/copy-line.tsx";
import { useDraft } from "../parts/draft.ts";
import { FormFrame } from "../parts/form-frame.tsx";
import { countTyped } from "../parts/money-text.ts";
import { TimeText } from "../parts/time-text.tsx";
import { sayDone, sayFailed } from "../shell/notices.tsx";
import { ROLE_WORDS } from "./members-page.tsx";
import { invitationsQuery, refreshSettings } from "./settings-queries.ts";
import { Section, Tag } from "./settings-section.tsx";

const START = { role: "member", email: "", days: String(INVITATION_DAYS) };

/** Brings people in by a link that works once, and lists the links that still do. */
export function Invitations({ workspace }: { workspace: string }) {
  const { invitations } = useSuspenseQuery(invitationsQuery(workspace)).data;
  const [made, setMade] = useState<InvitationWithLink>();
  return (
    <Section
      title="Invite somebody"
      hint="You get a link to hand over, as this server sends no mail. It works once, with an account that exists or a new one."
    >
      <InvitationForm workspace={workspace} onMade={setMade} />
      {made !== undefined && (
        <div className="once" role="status">
          <Text size="sm">Copy the link now, it is shown this once.</Text>
          <CopyLine text={made.url} label="the invitation" />
        </div>
      )}
      {invitations.length > 0 && (
        <ul className="rows" aria-label="Invitations that can still be taken">
          {invitations.map((invitation) => (
            <InvitationRow key={invitation.id} workspace={workspace} invitation={invitation} />
          ))}
        </ul>
      )}
    </Section>
  );
}

function InvitationForm(props: { workspace: string; onMade(made: InvitationWithLink): void }) {
  const { workspace, onMade } = props;
  const [typed, setTyped, forget] = useDraft(`invitation:${workspace}`, START);
  const form = useApiForm(["role", "email", "expires_in_days"]);
  const send = async () => {
    const days = countTyped(typed.days, "expires_in_days");
    const body = {
      role: typed.role,
      email: typed.email.trim() === "" ? null : typed.email.trim(),
      ...(days === null ? {} : { expires_in_days: days }),
    };
    onMade(await callApi("POST", `/api/v1/workspaces/${workspace}/invitations`, InvitationWithLink, body));
    forget();
    await refreshSettings(workspace, "invitations");
  };
  return (
    <FormFrame form={form} verb="Make an invitation" label="Invite somebody" onSend={send}>
      <div className="field-row">
        <NativeSelect
          label="Role"
          value={typed.role}
          data={Role.options.map((value) => ({ value, label: ROLE_WORDS[value] }))}
          onChange={(event) => setTyped({ ...typed, role: event.currentTarget.value })}
          error={form.fieldError("role")}
        />
        <TextInput
          label="Only for this e-mail address"
          description="Empty: for whoever has the link."
          type="email"
          value={typed.email}
          onChange={(event) => setTyped({ ...typed, email: event.currentTarget.value })}
          error={form.fieldError("email")}
        />
        <TextInput
          label="Works for, days"
          description={`At most ${INVITATION_DAYS_MAX}.`}
          inputMode="numeric"
          value={typed.days}
          onChange={(event) => setTyped({ ...typed, days: event.currentTarget.value })}
          error={form.fieldError("expires_in_days")}
        />
      </div>
    </FormFrame>
  );
}

function InvitationRow({ workspace, invitation }: { workspace: string; invitation: Invitation }) {
  const { id, role, email, created_by, expires_at } = invitation;
  const revoke = () =>
    sendApi("DELETE", `/api/v1/workspaces/${workspace}/invitations/${id}`)
      .then(() => refreshSettings(workspace, "invitations"))
      .then(() => sayDone("The invitation was withdrawn."), sayFailed);
  return (
    <li className="row row-line">
      <span className="row-name">{email ?? "Whoever has the link"}</span>
      <Tag>{ROLE_WORDS[role]}</Tag>
      <span className="quiet">
        by {created_by}, expires <TimeText at={expires_at} />
      </span>
      <span className="row-end">
        <Button size="xs" variant="default" onClick={revoke}>
          Withdraw<VisuallyHidden> the invitation of {email ?? "whoever has the link"}</VisuallyHidden>
        </Button>
      </span>
    </li>
  );
}

import { NativeSelect, Text } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { type Member, Role } from "@windshift/contract/api/workspace.ts";
import { useState } from "react";
import { sendApi } from "../api/api.ts";
import { meQuery, useMe } from "../api/me.ts";
import { queryClient } from "../api/query-client.ts";
import { ConfirmButton } from "../parts/confirm-button.tsx";
import { ConfirmDialog } from "../parts/confirm-dialog.tsx";
import { PageHead } from "../parts/page-head.tsx";
import { PersonName } from "../parts/person-name.tsx";
import { visibleText } from "../parts/visible-text.ts";
import { paths } from "../paths.ts";
import { sayDone, sayFailed } from "../shell/notices.tsx";
import { Invitations } from "./invitations.tsx";
import { useWorkspaceKey } from "./settings-frame.tsx";
import { membersQuery, refreshSettings } from "./settings-queries.ts";
import { Section, Tag } from "./settings-section.tsx";

/** What each role may do, in a word for lists and a sentence for help. */
export const ROLE_WORDS: Record<Role, string> = { viewer: "Viewer", member: "Member", admin: "Admin" };

/** Who is in a workspace and what they may do, and how others come in. */
export function MembersPage() {
  const workspace = useWorkspaceKey();
  const { members } = useSuspenseQuery(membersQuery(workspace)).data;
  const people = members.filter(({ kind }) => kind === "person");
  const agents = members.filter(({ kind }) => kind === "agent");
  return (
    <>
      <PageHead title="Members" />
      <Text c="dimmed" size="sm" mb="md">
        Viewers look, members work and give work to agents, admins also see to these settings.
      </Text>
      <ul className="rows" aria-label="People">
        {people.map((member) => (
          <MemberRow key={member.user_id} workspace={workspace} member={member} />
        ))}
      </ul>
      <Invitations workspace={workspace} />
      {agents.length > 0 && (
        <Section title="Agents">
          <ul className="rows">
            {agents.map(({ user_id, name, handle }) => (
              <li key={user_id} className="row row-line">
                <Link to={paths.settings(workspace, `agents/${user_id}`)} className="row-name">
                  <PersonName user={{ name, kind: "agent" }} />
                </Link>
                <span className="quiet">@{handle}</span>
              </li>
            ))}
          </ul>
        </Section>
      )}
    </>
  );
}

function MemberRow({ workspace, member }: { workspace: string; member: Member }) {
  const me = useMe();
  const navigate = useNavigate();
  const { user_id, name, handle, role } = member;
  const own = user_id === me.id;
  const [asked, setAsked] = useState<Role>();
  const change = async (wanted: Role) => {
    await sendApi("POST", `/api/v1/workspaces/${workspace}/members`, { user_id, role: wanted });
    await refresh(workspace);
    sayDone(`${name} is ${ROLE_WORDS[wanted].toLowerCase()} now.`);
  };
  const choose = (wanted: Role) => {
    if (own && role === "admin") setAsked(wanted);
    else change(wanted).catch(sayFailed);
  };
  const remove = async () => {
    await sendApi("DELETE", `/api/v1/workspaces/${workspace}/members/${user_id}`);
    // Who has left sees nothing of these settings any more.
    if (own) await navigate({ to: paths.myWork });
    await (own ? queryClient.invalidateQueries(meQuery) : refresh(workspace));
    sayDone(own ? `You have left ${workspace}.` : `${name} is no longer in the workspace.`);
  };
  return (
    <li className="row row-line">
      <span className="row-name">{visibleText(name)}</span>
      {handle !== "" && <span className="quiet">@{handle}</span>}
      {own && <Tag>you</Tag>}
      <span className="row-end">
        <NativeSelect
          size="xs"
          aria-label={`Role of ${name}`}
          value={role}
          data={Role.options.map((value) => ({ value, label: ROLE_WORDS[value] }))}
          onChange={(event) => choose(Role.parse(event.currentTarget.value))}
        />
        {asked !== undefined && (
          <ConfirmDialog
            title={`Become ${ROLE_WORDS[asked].toLowerCase()} of ${workspace}?`}
            verb="Give up administration"
            onConfirm={() => change(asked)}
            onClose={() => setAsked(undefined)}
          >
            You then see to these settings no more, and only another admin can make you admin again.
          </ConfirmDialog>
        )}
        <ConfirmButton
          size="xs"
          label={own ? "Leave" : `Remove ${name}`}
          short={own ? "Leave" : "Remove"}
          title={own ? `Leave ${workspace}?` : `Remove ${name} from ${workspace}?`}
          verb={own ? "Leave the workspace" : "Remove"}
          onConfirm={remove}
        >
          {own ? "You see" : `${name} sees`} nothing of the workspace from then on. What was written stays.
        </ConfirmButton>
      </span>
    </li>
  );
}

async function refresh(workspace: string): Promise<void> {
  await Promise.all([refreshSettings(workspace, "members"), queryClient.invalidateQueries(meQuery)]);
}

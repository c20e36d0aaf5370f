import { IconRobot, IconUser, IconUserOff } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import type { Agent } from "@windshift/contract/api/agent.ts";
import type { UserRef } from "@windshift/contract/api/user.ts";
import { useState } from "react";
import { useMe } from "../api/me.ts";
import { PersonName } from "../parts/person-name.tsx";
import { agentsQuery, membersQuery } from "../settings/settings-queries.ts";
import { AgentHint } from "./agent-hint.tsx";
import { type Option, PickList } from "./pick-list.tsx";

const NOBODY = "";

/** Chooses who works on an item. Agents come first and say whether they are free. */
export function AssigneePick(props: {
  workspace: string;
  assignee: UserRef | null;
  /** With the agent, when it is one. */
  onPick(user: UserRef | null, agent: Agent | undefined): void;
  id?: string;
}) {
  const { workspace, assignee, onPick, id } = props;
  const me = useMe();
  const [enabled, setEnabled] = useState(false);
  const members = useQuery({ ...membersQuery(workspace), enabled }).data?.members ?? [];
  const agents = useQuery({ ...agentsQuery(workspace), enabled }).data?.agents ?? [];
  const people = members
    .filter(({ kind }) => kind === "person")
    .sort((a, b) => Number(b.user_id === me.id) - Number(a.user_id === me.id));
  const options: Option[] = [
    { value: NOBODY, text: "Nobody", icon: <IconUserOff size={16} aria-hidden /> },
    ...agents.map((agent) => ({
      value: agent.user_id,
      text: agent.name,
      icon: <IconRobot size={16} aria-hidden />,
      hint: <AgentHint agent={agent} />,
      group: "Agents",
    })),
    ...people.map((person) => ({
      value: person.user_id,
      text: person.user_id === me.id ? `${person.name} (you)` : person.name,
      icon: <IconUser size={16} aria-hidden />,
      group: "People",
    })),
  ];
  const pick = (value: string) => {
    const agent = agents.find(({ user_id }) => user_id === value);
    const member = members.find(({ user_id }) => user_id === value);
    if (agent !== undefined) onPick({ id: value, name: agent.name, kind: "agent" }, agent);
    else if (member !== undefined) onPick({ id: value, name: member.name, kind: "person" }, undefined);
    else onPick(null, undefined);
  };
  return (
    <PickList
      label={`Assignee: ${assignee?.name ?? "nobody"}`}
      options={options}
      selected={[assignee?.id ?? NOBODY]}
      onPick={pick}
      onOpen={() => setEnabled(true)}
      {...(id === undefined ? {} : { id })}
    >
      {assignee === null ? <span className="quiet">Nobody</span> : <PersonName user={assignee} />}
    </PickList>
  );
}

import { Button, Text, TextInput } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import type { Agent } from "@windshift/contract/api/agent.ts";
import { UserRef } from "@windshift/contract/api/user.ts";
import { NAME_CHARS_MAX } from "@windshift/contract/limits.ts";
import { callApi } from "../api/api.ts";
import { useApiForm } from "../parts/api-form.ts";
import { useDraft } from "../parts/draft.ts";
import { EmptyState } from "../parts/empty-state.tsx";
import { FormFrame } from "../parts/form-frame.tsx";
import { PageHead } from "../parts/page-head.tsx";
import { PersonName } from "../parts/person-name.tsx";
import { paths } from "../paths.ts";
import { useWorkspaceKey } from "./settings-frame.tsx";
import { agentsQuery, refreshSettings } from "./settings-queries.ts";
import { Section, StateWord } from "./settings-section.tsx";

/** The agents of a workspace: whether a run of each would start now, and what it works on. */
export function AgentsPage() {
  const workspace = useWorkspaceKey();
  const { agents } = useSuspenseQuery(agentsQuery(workspace)).data;
  return (
    <>
      <PageHead title="Agents">
        <Button component={Link} to={paths.guide(workspace)} variant="default">
          Guided set-up
        </Button>
      </PageHead>
      <Text c="dimmed" size="sm" mb="md">
        An agent is a member that cannot sign in. Its binding says which repository it works on, with which
        model, and how far it may go.
      </Text>
      {agents.length === 0 && <EmptyState title="No agent yet">Make the first one below.</EmptyState>}
      <ul className="rows">
        {agents.map((agent) => (
          <AgentRow key={agent.user_id} workspace={workspace} agent={agent} />
        ))}
      </ul>
      <NewAgent workspace={workspace} />
    </>
  );
}

function AgentRow({ workspace, agent }: { workspace: string; agent: Agent }) {
  const { user_id, name, handle, binding } = agent;
  return (
    <li className="row row-line">
      <Link to={paths.settings(workspace, `agents/${user_id}`)} className="row-name">
        <PersonName user={{ name, kind: "agent" }} />
      </Link>
      <span className="quiet">@{handle}</span>
      {binding !== null && (
        <span className="quiet">
          {binding.repository}
          {binding.model !== null && ` · ${binding.model}`}
        </span>
      )}
      <span className="row-end">
        <AvailabilityWord agent={agent} />
      </span>
    </li>
  );
}

const AVAILABILITY: Record<Agent["availability"], ["good" | "wait" | "bad" | "plain", string]> = {
  available: ["good", "Available"],
  busy: ["wait", "Busy"],
  offline: ["bad", "Offline"],
  disabled: ["plain", "Switched off"],
  unbound: ["plain", "Not bound"],
};

/** Whether a run of the agent would start now. */
export function AvailabilityWord({ agent }: { agent: Agent }) {
  const [state, text] = AVAILABILITY[agent.availability];
  return <StateWord state={state}>{text}</StateWord>;
}

function NewAgent({ workspace }: { workspace: string }) {
  const navigate = useNavigate();
  const [typed, setTyped, forget] = useDraft(`agent:${workspace}`, { name: "" });
  const form = useApiForm(["name"]);
  const send = async () => {
    const made = await callApi("POST", `/api/v1/workspaces/${workspace}/agents`, UserRef, typed);
    forget();
    await refreshSettings(workspace, "agents", "members");
    await navigate({ to: paths.settings(workspace, `agents/${made.id}`) });
  };
  return (
    <Section title="New agent">
      <FormFrame form={form} verb="Create agent" label="New agent" onSend={send}>
        <TextInput
          label="Name"
          description="People assign work to it and mention it by this name."
          required
          maxLength={NAME_CHARS_MAX}
          value={typed.name}
          onChange={(event) => setTyped({ name: event.currentTarget.value })}
          error={form.fieldError("name")}
        />
      </FormFrame>
    </Section>
  );
}

import { Text } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import type { Binding } from "@windshift/contract/api/binding.ts";
import { sendApi } from "../api/api.ts";
import { ConfirmButton } from "../parts/confirm-button.tsx";
import { PageHead } from "../parts/page-head.tsx";
import { paths } from "../paths.ts";
import { NotFoundPage } from "../shell/error-page.tsx";
import { sayDone } from "../shell/notices.tsx";
import { AvailabilityWord } from "./agents-page.tsx";
import { BindingForm } from "./binding-form.tsx";
import { useWorkspaceKey } from "./settings-frame.tsx";
import { agentsQuery, bindingsQuery, refreshSettings, repositoriesQuery } from "./settings-queries.ts";
import { Section } from "./settings-section.tsx";
import { TestRun } from "./test-run.tsx";

/** One agent: whether it could start now, its binding, and a private trial. */
export function AgentPage() {
  const workspace = useWorkspaceKey();
  const { agent: id = "" } = useParams({ strict: false }) as { agent?: string };
  const { agents } = useSuspenseQuery({ ...agentsQuery(workspace), refetchInterval: AGENTS_MS }).data;
  const { bindings } = useSuspenseQuery(bindingsQuery(workspace)).data;
  const { repositories } = useSuspenseQuery(repositoriesQuery(workspace)).data;
  const agent = agents.find(({ user_id }) => user_id === id);
  if (agent === undefined) return <NotFoundPage />;
  const binding = bindings.find((one) => one.agent.id === id);
  return (
    <div key={id}>
      <PageHead title={agent.name}>
        <AvailabilityWord agent={agent} />
      </PageHead>
      <Text c="dimmed" size="sm" mb="md" role="status">
        {agent.availability_text}
      </Text>
      {binding !== undefined && <TestRun binding={binding} />}
      {repositories.length === 0 ? (
        <Text>
          There is no repository to work on yet. <a href={paths.guide(workspace)}>The guided set-up</a> helps
          to connect one.
        </Text>
      ) : (
        <BindingForm
          workspace={workspace}
          agent={{ id: agent.user_id, name: agent.name }}
          binding={binding}
          repositories={repositories}
        />
      )}
      <Section title="Remove">
        <div className="acts">
          {binding !== undefined && <DeleteBinding workspace={workspace} binding={binding} />}
          <RemoveAgent workspace={workspace} agent={agent} />
        </div>
      </Section>
    </div>
  );
}

/** How often it is asked anew whether the agent could start, ms. */
const AGENTS_MS = 15_000;

function DeleteBinding({ workspace, binding }: { workspace: string; binding: Binding }) {
  const remove = async () => {
    await sendApi("DELETE", `/api/v1/bindings/${binding.id}`);
    await refreshSettings(workspace);
    sayDone("The binding was deleted.");
  };
  return (
    <ConfirmButton
      label="Delete the binding"
      title={`Delete the binding of ${binding.agent.name}?`}
      verb="Delete the binding"
      onConfirm={remove}
    >
      The agent can be set to work no more until it is bound again. Its runs stay.
    </ConfirmButton>
  );
}

function RemoveAgent({ workspace, agent }: { workspace: string; agent: { user_id: string; name: string } }) {
  const navigate = useNavigate();
  const remove = async () => {
    await sendApi("DELETE", `/api/v1/workspaces/${workspace}/members/${agent.user_id}`);
    await navigate({ to: paths.settings(workspace, "agents") });
    await refreshSettings(workspace);
    sayDone(`${agent.name} is no longer in the workspace.`);
  };
  return (
    <ConfirmButton
      label="Take the agent out of the workspace"
      title={`Take ${agent.name} out of ${workspace}?`}
      verb="Take it out"
      onConfirm={remove}
    >
      Nothing can be assigned to it any more. What it wrote and its runs stay.
    </ConfirmButton>
  );
}

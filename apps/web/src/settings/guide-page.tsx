import { Text } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import { AgentRunPage } from "@windshift/contract/api/run.ts";
import { WorkspaceKey } from "@windshift/contract/ids.ts";
import { getApi } from "../api/api.ts";
import { useRole } from "../api/me.ts";
import { PageHead } from "../parts/page-head.tsx";
import { NotFoundPage } from "../shell/error-page.tsx";
import { GuideAgentStep } from "./guide-agent-step.tsx";
import { GuideModelStep } from "./guide-model-step.tsx";
import { GuideRepositoryStep } from "./guide-repository-step.tsx";
import { GuideStep } from "./guide-step.tsx";
import { GuideTryStep } from "./guide-try-step.tsx";
import { useWorkspaceKey } from "./settings-frame.tsx";
import { agentsQuery, bindingsQuery, connectionsQuery, repositoriesQuery } from "./settings-queries.ts";

/** How often it is asked whether the agent could start, ms. */
const AGENTS_MS = 10_000;

/** From a new workspace to a first draft pull request, in four steps. */
export function GuidePage() {
  const workspace = useWorkspaceKey();
  const role = useRole(workspace);
  if (!WorkspaceKey.safeParse(workspace).success || role !== "admin") return <NotFoundPage />;
  return <Guide key={workspace} workspace={workspace} />;
}

/** Which steps are done follows from what the workspace has: a reload, or somebody else, goes on where it stands. */
function Guide({ workspace }: { workspace: string }) {
  const { connections } = useSuspenseQuery(connectionsQuery(workspace)).data;
  const { repositories } = useSuspenseQuery(repositoriesQuery(workspace)).data;
  const { bindings } = useSuspenseQuery(bindingsQuery(workspace)).data;
  const { agents } = useSuspenseQuery({ ...agentsQuery(workspace), refetchInterval: AGENTS_MS }).data;
  const { runs } = useSuspenseQuery({
    queryKey: ["settings", workspace, "guide-runs"],
    queryFn: ({ signal }) =>
      getApi(`/api/v1/workspaces/${workspace}/agent-runs?limit=1`, AgentRunPage, signal),
  }).data;
  const git = connections.filter(({ kind }) => kind === "git");
  const models = connections.filter(({ kind }) => kind === "llm");
  const working = models.find((one) => one.checked_at !== null && one.check_problem === null);
  const binding = bindings.find(({ enabled }) => enabled);
  const done = [
    repositories.length > 0,
    working !== undefined || binding !== undefined,
    binding !== undefined,
    runs.length > 0,
  ];
  const current = done.indexOf(false);
  const step = (at: number) => ({ number: at + 1, done: done[at] === true, current: current === at });
  return (
    <div className="guide">
      <PageHead title="Set up your first agent" />
      <Text c="dimmed" size="sm" mb="lg">
        Four steps from here to a first draft pull request. You can leave and come back at any time.
      </Text>
      <ol className="guide-steps">
        <GuideStep {...step(0)} title="Connect a repository" summary={repositoryNames(repositories)}>
          <GuideRepositoryStep workspace={workspace} connections={git} />
        </GuideStep>
        <GuideStep
          {...step(1)}
          title="Connect a model"
          summary={(working ?? models[0])?.name ?? "The server's own"}
        >
          <GuideModelStep workspace={workspace} connections={models} />
        </GuideStep>
        <GuideStep {...step(2)} title="Bind an agent" summary={binding?.agent.name ?? ""}>
          <GuideAgentStep workspace={workspace} repositories={repositories} models={models} agents={agents} />
        </GuideStep>
        <GuideStep {...step(3)} title="Try it" summary={runs[0]?.item_title ?? ""} keepOpen>
          <GuideTryStep
            workspace={workspace}
            binding={binding}
            agent={agents.find(({ user_id }) => user_id === binding?.agent.id)}
            run={runs[0]}
          />
        </GuideStep>
      </ol>
    </div>
  );
}

/** The first, and how many there are beside it. */
function repositoryNames(all: readonly { owner: string; name: string }[]): string {
  const [first, ...others] = all;
  if (first === undefined) return "";
  const name = `${first.owner}/${first.name}`;
  return others.length === 0 ? name : `${name} and ${others.length} more`;
}

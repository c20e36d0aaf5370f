import { Text, TextInput } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { Agent } from "@windshift/contract/api/agent.ts";
import type { Binding } from "@windshift/contract/api/binding.ts";
import type { AgentRun } from "@windshift/contract/api/run.ts";
import { WorkItemDetail } from "@windshift/contract/api/work-item.ts";
import { TITLE_CHARS_MAX } from "@windshift/contract/limits.ts";
import { callApi } from "../api/api.ts";
import { useMe } from "../api/me.ts";
import { useApiForm } from "../parts/api-form.ts";
import { useDraft } from "../parts/draft.ts";
import { FormFrame } from "../parts/form-frame.tsx";
import { GrowingText } from "../parts/growing-text.tsx";
import { paths } from "../paths.ts";
import { AvailabilityWord } from "./agents-page.tsx";
import { refreshSettings } from "./settings-queries.ts";
import { RunLine, TestRunForm } from "./test-run.tsx";

/** A first piece of work that shows the whole way and can do no harm. */
const FIRST_WORK = {
  title: "Say in the README what this repository is for",
  description:
    "Read what is here and write a short README.md: what it is for, how it is built and tested. Keep what is right in the present one.",
};

/** Whether the agent could start, a private trial, and the first real item with its run. */
export function GuideTryStep(props: {
  workspace: string;
  binding: Binding | undefined;
  agent: Agent | undefined;
  run: AgentRun | undefined;
}) {
  const { workspace, binding, agent, run } = props;
  if (binding === undefined || agent === undefined)
    return <Text size="sm">This opens once an agent is bound.</Text>;
  return (
    <>
      <AgentReadiness agent={agent} />
      {run !== undefined ? (
        <FirstRun workspace={workspace} run={run} />
      ) : (
        <>
          <details className="fold">
            <summary>Try the agent in private first</summary>
            <Text size="sm" mb="xs">
              A test run pushes nothing and is in no list; it shows live what the agent does.
            </Text>
            <TestRunForm binding={binding} />
          </details>
          <FirstItem workspace={workspace} agent={agent} />
        </>
      )}
    </>
  );
}

function AgentReadiness({ agent }: { agent: Agent }) {
  const { admin } = useMe();
  return (
    <p role="status" className="run-line">
      {agent.name}: <AvailabilityWord agent={agent} /> · {agent.availability_text}{" "}
      {agent.availability === "offline" &&
        (admin ? (
          <Link to={paths.admin("runners")}>See to the runners</Link>
        ) : (
          "An administrator of the installation sees to the runners."
        ))}
    </p>
  );
}

function FirstRun({ workspace, run }: { workspace: string; run: AgentRun }) {
  return (
    <>
      <Text size="sm">
        The work is given. Watch it live; when it is done, a draft pull request waits for you on its item:
      </Text>
      <p className="run-line">
        <Link to={paths.item(run.item_key)}>
          {run.item_key} {run.item_title}
        </Link>
      </p>
      <RunLine key={run.id} run={run} />
      <Text size="sm" c="dimmed">
        Should it fail, its run says why, and can be started again there. More work is given like this on any
        of the <Link to={paths.items(workspace)}>work items</Link>.
      </Text>
    </>
  );
}

function FirstItem({ workspace, agent }: { workspace: string; agent: Agent }) {
  const [typed, setTyped, forget] = useDraft(`guide:item:${workspace}`, FIRST_WORK);
  const form = useApiForm(["title", "description", "assignee_id"]);
  const send = async () => {
    await callApi("POST", `/api/v1/workspaces/${workspace}/items`, WorkItemDetail, {
      ...typed,
      assignee_id: agent.user_id,
    });
    forget();
    await refreshSettings(workspace);
  };
  return (
    <FormFrame form={form} verb="Create and assign" label="First item" onSend={send}>
      <TextInput
        label="What should be done?"
        required
        maxLength={TITLE_CHARS_MAX}
        value={typed.title}
        onChange={(event) => setTyped({ ...typed, title: event.currentTarget.value })}
        error={form.fieldError("title") ?? form.fieldError("assignee_id")}
      />
      <GrowingText
        label="More about it, in Markdown"
        rowsMin={3}
        rowsMax={16}
        value={typed.description}
        onChange={(event) => setTyped({ ...typed, description: event.currentTarget.value })}
        error={form.fieldError("description")}
      />
    </FormFrame>
  );
}

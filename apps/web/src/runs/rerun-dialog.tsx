import { Button, Group, Stack, Text } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { AgentRun } from "@windshift/contract/api/run.ts";
import { type FormEvent, useState } from "react";
import { callApi } from "../api/api.ts";
import { useApiForm } from "../parts/api-form.ts";
import { Dialog } from "../parts/dialog.tsx";
import { useDraft } from "../parts/draft.ts";
import { agentsQuery } from "../settings/settings-queries.ts";
import { sayDone } from "../shell/notices.tsx";
import { AgentHint } from "../tracker/agent-hint.tsx";
import { type RunFields, RunFieldset, runWish } from "../tracker/assign-agent-dialog.tsx";
import { refreshRun } from "./run-queries.ts";

const AS_BEFORE: RunFields = { instruction: "", model: "", base_branch: "" };

/** Starts another run of the item with the same agent, as it was or with something changed. */
export function RerunButton({ run }: { run: AgentRun }) {
  const [open, setOpen] = useState(false);
  const start = useRerun(run);
  const form = useApiForm();
  return (
    <Group gap="xs">
      {form.problem !== undefined && (
        <Text role="alert" size="sm" c="var(--mantine-color-error)">
          {form.problem}
        </Text>
      )}
      <Button
        size="compact-sm"
        variant="default"
        loading={form.busy}
        onClick={() => void form.submit(() => start(AS_BEFORE))}
      >
        Run again
      </Button>
      <Button size="compact-sm" variant="default" onClick={() => setOpen(true)}>
        Run with changes…
      </Button>
      {open && <RerunDialog run={run} start={start} onClose={() => setOpen(false)} />}
    </Group>
  );
}

function useRerun(run: AgentRun): (fields: RunFields) => Promise<void> {
  const client = useQueryClient();
  return async (fields) => {
    const body = { agent_user_id: run.agent.user_id, ...runWish(fields) };
    const started = await callApi("POST", `/api/v1/items/${run.item_key}/agent-runs`, AgentRun, body);
    sayDone(`Run ${started.id} is queued.`);
    await refreshRun(client, started);
  };
}

function RerunDialog(props: { run: AgentRun; start(fields: RunFields): Promise<void>; onClose(): void }) {
  const { run, start, onClose } = props;
  const workspace = run.item_key.slice(0, run.item_key.indexOf("-"));
  const agents = useQuery(agentsQuery(workspace)).data?.agents;
  const agent = agents?.find(({ user_id }) => user_id === run.agent.user_id);
  const [fields, setFields, forget] = useDraft(`rerun:${run.item_key}`, AS_BEFORE);
  const form = useApiForm(["instruction", "model", "base_branch"]);
  const send = async (event: FormEvent) => {
    event.preventDefault();
    if (form.busy || !(await form.submit(() => start(fields)))) return;
    forget();
    onClose();
  };
  return (
    <Dialog title="Run again with changes" size="lg" onClose={onClose}>
      <form onSubmit={send}>
        <Stack gap="sm">
          {agents !== undefined && agent === undefined && (
            <Text size="sm">This agent is no longer in the workspace.</Text>
          )}
          {agent !== undefined && (
            <>
              <AgentHint agent={agent} />
              <RunFieldset
                agent={agent}
                fields={fields}
                onChange={setFields}
                error={(path) => form.fieldError(path.replace(/^run\./, ""))}
              />
            </>
          )}
          {form.problem !== undefined && (
            <Text role="alert" size="sm" c="var(--mantine-color-error)">
              {form.problem}
            </Text>
          )}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={form.busy} disabled={agent === undefined}>
              Start the run
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}

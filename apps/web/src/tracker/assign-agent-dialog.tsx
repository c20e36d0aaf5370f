import { Button, Group, NativeSelect, Stack, Text, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import type { Agent } from "@windshift/contract/api/agent.ts";
import { type RunWish, type WorkItem, WorkItemDetail } from "@windshift/contract/api/work-item.ts";
import type { FormEvent } from "react";
import { callApi } from "../api/api.ts";
import { useApiForm } from "../parts/api-form.ts";
import { Dialog } from "../parts/dialog.tsx";
import { useDraft } from "../parts/draft.ts";
import { sayDone } from "../shell/notices.tsx";
import { AgentHint } from "./agent-hint.tsx";
import { refreshItem } from "./item-writes.ts";
import { MarkdownEditor } from "./markdown-editor.tsx";

/** What a person may say beside the assignment, as it stands in the fields. */
export interface RunFields {
  instruction: string;
  model: string;
  base_branch: string;
}

const NOTHING_SAID: RunFields = { instruction: "", model: "", base_branch: "" };

/** Assigns an item to an agent, with what it is told for this one run. */
export function AssignAgentDialog(props: {
  item: Pick<WorkItem, "key" | "workspace" | "title">;
  agent: Agent;
  onClose(): void;
}) {
  const { item, agent, onClose } = props;
  const client = useQueryClient();
  const [fields, setFields, forget] = useDraft(`assign:${item.key}:${agent.user_id}`, NOTHING_SAID);
  const form = useApiForm(["run.instruction", "run.model", "run.base_branch"]);
  const assign = async (event?: FormEvent) => {
    event?.preventDefault();
    if (form.busy) return;
    const body = { assignee_id: agent.user_id, run: runWish(fields) };
    const worked = await form.submit(() =>
      callApi("PATCH", `/api/v1/items/${item.key}`, WorkItemDetail, body),
    );
    if (!worked) return;
    forget();
    onClose();
    sayDone(`${agent.name} is set to work on ${item.key}.`);
    await Promise.all([
      refreshItem(client, item.workspace, item.key),
      client.invalidateQueries({ queryKey: ["workspace", item.workspace, "agents"] }),
      client.invalidateQueries({ queryKey: ["runs"] }),
      client.invalidateQueries({ queryKey: ["item-runs", item.key] }),
    ]);
  };
  return (
    <Dialog title={`Assign ${item.key} to ${agent.name}`} size="lg" onClose={onClose}>
      <form onSubmit={assign}>
        <Stack gap="sm">
          <Text size="sm" component="div">
            <AgentHint agent={agent} />
            <Text size="sm" c="dimmed">
              {agent.availability_text}
            </Text>
          </Text>
          <RunFieldset agent={agent} fields={fields} onChange={setFields} error={form.fieldError} />
          {form.problem !== undefined && (
            <Text role="alert" c="var(--mantine-color-error)" size="sm">
              {form.problem}
            </Text>
          )}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={form.busy}>
              Assign and start
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}

/** Instruction, model and base branch of one run. */
export function RunFieldset(props: {
  agent: Agent;
  fields: RunFields;
  onChange(fields: RunFields): void;
  error(path: string): string | undefined;
}) {
  const { agent, fields, onChange, error } = props;
  const { binding } = agent;
  const usual = binding?.model ?? "the server's own model";
  const models = (binding?.models ?? []).filter((model) => model !== binding?.model);
  return (
    <>
      <div>
        <Text size="sm" fw={500} mb={4}>
          Instruction for this run (optional)
        </Text>
        <MarkdownEditor
          label="Instruction for this run"
          value={fields.instruction}
          onChange={(instruction) => onChange({ ...fields, instruction })}
          error={error("run.instruction")}
          minRows={4}
          placeholder="The agent reads the item, its pages and comments. Say here what counts for this run only."
          autoFocus
        />
      </div>
      <div className="run-fields">
        <NativeSelect
          label="Model"
          value={fields.model}
          onChange={(event) => onChange({ ...fields, model: event.currentTarget.value })}
          error={error("run.model")}
          data={[
            { value: "", label: `As set up: ${usual}` },
            ...models.map((model) => ({ value: model, label: model })),
          ]}
        />
        <TextInput
          label="Base branch"
          value={fields.base_branch}
          onChange={(event) => onChange({ ...fields, base_branch: event.currentTarget.value })}
          error={error("run.base_branch")}
          placeholder={binding?.base_branch ?? ""}
          autoComplete="off"
        />
      </div>
      {binding !== null && (
        <Text size="xs" c="dimmed">
          It works in a copy of {binding.repository} and hands back a draft pull request.
        </Text>
      )}
    </>
  );
}

/** What was said; what was left empty is as the binding says. */
export function runWish({ instruction, model, base_branch }: RunFields): RunWish {
  return {
    ...(instruction.trim() === "" ? {} : { instruction }),
    ...(model === "" ? {} : { model }),
    ...(base_branch.trim() === "" ? {} : { base_branch: base_branch.trim() }),
  };
}

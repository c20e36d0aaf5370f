import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Binding } from "@windshift/contract/api/binding.ts";
import { AgentRun } from "@windshift/contract/api/run.ts";
import { useState } from "react";
import { callApi, getApi } from "../api/api.ts";
import { useApiForm } from "../parts/api-form.ts";
import { useDraft } from "../parts/draft.ts";
import { FormFrame } from "../parts/form-frame.tsx";
import { GrowingText } from "../parts/growing-text.tsx";
import { paths } from "../paths.ts";
import { Section, StateWord } from "./settings-section.tsx";

/** What a test run is asked when nobody says otherwise: it shows repository, model and tools at work and changes little. */
const SMALL_TASK = "Read the repository and fix one small thing, such as a spelling mistake in README.md.";

/** A private trial of a binding: it pushes nothing and leaves a patch on its run. */
export function TestRun({ binding }: { binding: Binding }) {
  return (
    <Section
      title="Test run"
      hint="Private: no list shows it, and it pushes nothing. Its run shows live what the agent does, and the patch it leaves."
    >
      <TestRunForm binding={binding} />
    </Section>
  );
}

/** The task of a trial and its button, and below it the run that was started last; for the page of a binding and the guide. */
export function TestRunForm({ binding }: { binding: Binding }) {
  const [typed, setTyped, forget] = useDraft(`test-run:${binding.id}`, { instruction: SMALL_TASK });
  const [run, setRun] = useState<AgentRun>();
  const form = useApiForm(["instruction"]);
  const send = async () => {
    setRun(await callApi("POST", `/api/v1/bindings/${binding.id}/test-runs`, AgentRun, typed));
    forget();
  };
  return (
    <>
      <FormFrame form={form} verb="Start a test run" label="Test run" onSend={send} variant="default">
        <GrowingText
          label="Task"
          rowsMin={2}
          rowsMax={16}
          required
          value={typed.instruction}
          onChange={(event) => setTyped({ instruction: event.currentTarget.value })}
          error={form.fieldError("instruction")}
        />
      </FormFrame>
      {run !== undefined && <RunLine run={run} />}
    </>
  );
}

/** How often a run that goes on is asked for, ms. */
const RUN_MS = 2_000;
const ENDED = ["succeeded", "failed", "canceled", "killed", "waiting"];

/** How a run is getting on, in a line that leads to it. */
export function RunLine({ run: first }: { run: AgentRun }) {
  const { data: run } = useQuery({
    queryKey: ["run-line", first.id],
    queryFn: ({ signal }) => getApi(`/api/v1/agent-runs/${first.id}`, AgentRun, signal),
    initialData: first,
    refetchInterval: ({ state }) => (ENDED.includes(state.data?.status ?? "") ? false : RUN_MS),
  });
  return (
    <p role="status" className="run-line">
      <StateWord state={stateOf(run)}>{runWord(run)}</StateWord>{" "}
      <Link to={paths.run(run.item_key, run.id)}>Open run {run.id}</Link>{" "}
      <span className="quiet">{run.detail ?? run.queued_because?.text}</span>
    </p>
  );
}

function stateOf(run: AgentRun): "good" | "bad" | "wait" | "plain" {
  if (run.status === "succeeded") return "good";
  if (run.status === "failed") return "bad";
  return ENDED.includes(run.status) ? "plain" : "wait";
}

function runWord(run: AgentRun): string {
  const word = run.status.replaceAll("_", " ");
  return word.charAt(0).toUpperCase() + word.slice(1);
}

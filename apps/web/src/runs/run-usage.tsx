import { Button, Progress, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import type { AgentRun, AgentRunUsage } from "@windshift/contract/api/run.ts";
import { COST_MICROS_PER_DOLLAR } from "@windshift/contract/budget.ts";
import { isTerminal } from "@windshift/contract/run.ts";
import { type FormEvent, useState } from "react";
import { sendApi } from "../api/api.ts";
import { useApiForm } from "../parts/api-form.ts";
import { countTyped, dollarsTyped, dollarText, tokenText } from "../parts/money-text.ts";
import { paths } from "../paths.ts";
import { sayDone } from "../shell/notices.tsx";
import { PlainLink } from "../tracker/plain-link.tsx";
import { refreshRun, runUsageQuery } from "./run-queries.ts";

/** What a run used of its models and of its own budget, and how to go on when that is used up. */
export function RunUsage({ run, isAdmin }: { run: AgentRun; isAdmin: boolean }) {
  const usage = useQuery(runUsageQuery(run.id, !isTerminal(run.status))).data;
  if (usage === undefined) return null;
  const own = usage.budgets.find(({ scope }) => scope === "run");
  return (
    <div className="run-usage">
      <Calls usage={usage} />
      {own !== undefined && own.tokens_max !== null && (
        <Use used={own.tokens_used} max={own.tokens_max} words={tokenText} />
      )}
      {own !== undefined && own.cost_micros_max !== null && (
        <Use used={own.cost_micros_used} max={own.cost_micros_max} words={dollarText} />
      )}
      {run.status === "waiting" && usage.short !== null && isAdmin && <Short run={run} usage={usage} />}
    </div>
  );
}

function Calls({ usage }: { usage: AgentRunUsage }) {
  if (usage.calls === 0) return null;
  const guessed = usage.estimated_calls + usage.unknown_calls;
  const parts = [
    `${usage.calls === 1 ? "1 call" : `${usage.calls} calls`} to the model`,
    tokenText(usage.input_tokens + usage.output_tokens),
    ...(usage.cost_micros === null ? [] : [`$${dollars(usage.cost_micros)}`]),
    ...(guessed === 0
      ? []
      : [`${guessed === 1 ? "1 call is" : `${guessed} calls are`} estimated or unknown`]),
  ];
  return <p className="run-quiet">{parts.join(" · ")}</p>;
}

/** Part of a limit from which on it is said to be nearly used up. */
const NEARLY = 0.8;

function Use({ used, max, words }: { used: number; max: number; words(amount: number): string }) {
  const amounts = `${words(used)} of ${words(max)} used`;
  const color = used >= max ? "red" : used >= max * NEARLY ? "yellow" : "indigo";
  return (
    <div className="run-use">
      <Progress value={Math.min(100, (used / max) * 100)} color={color} size="sm" aria-label={amounts} />
      <span>{amounts}</span>
    </div>
  );
}

/** The run's own budget is raised here; those of the month where they are set. */
function Short({ run, usage }: { run: AgentRun; usage: AgentRunUsage }) {
  const workspace = run.item_key.slice(0, run.item_key.indexOf("-"));
  switch (usage.short?.scope) {
    case "run":
      return <RaiseForm run={run} usage={usage} />;
    case "binding":
      return (
        <PlainLink to={paths.settings(workspace, "budgets")}>Raise the agent's budget of the month</PlainLink>
      );
    case "workspace":
      return (
        <PlainLink to={paths.settings(workspace, "budgets")}>
          Raise the workspace's budget of the month
        </PlainLink>
      );
    default:
      return null;
  }
}

function RaiseForm({ run, usage }: { run: AgentRun; usage: AgentRunUsage }) {
  const client = useQueryClient();
  const own = usage.budgets.find(({ scope }) => scope === "run");
  const { short } = usage;
  const money = short !== null && short.cost_micros !== null;
  const [amount, setAmount] = useState(
    money
      ? dollars(Math.max(own?.cost_micros_max ?? 0, short.cost_micros ?? 0))
      : String(Math.max(own?.tokens_max ?? 0, short?.tokens ?? 0)),
  );
  const form = useApiForm(["tokens", "cost_micros"]);
  const raise = async (event: FormEvent) => {
    event.preventDefault();
    const worked = await form.submit(async () => {
      const body = money
        ? { cost_micros: dollarsTyped(amount, "cost_micros") }
        : { tokens: countTyped(amount, "tokens") };
      await sendApi("POST", `/api/v1/agent-runs/${run.id}/budget`, body);
    });
    if (!worked) return;
    sayDone("The budget was raised.");
    await refreshRun(client, run);
  };
  return (
    <form className="run-raise" onSubmit={raise}>
      <TextInput
        label={money ? "More dollars" : "More tokens"}
        inputMode={money ? "decimal" : "numeric"}
        autoComplete="off"
        value={amount}
        onChange={(event) => setAmount(event.currentTarget.value)}
        error={form.fieldError(money ? "cost_micros" : "tokens") ?? form.problem}
        required
      />
      <Button type="submit" loading={form.busy}>
        Add and resume
      </Button>
    </form>
  );
}

/** Up to the next cent: `0.01`. */
function dollars(micros: number): string {
  return (Math.ceil((micros * 100) / COST_MICROS_PER_DOLLAR) / 100).toFixed(2);
}

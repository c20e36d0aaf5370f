import { NativeSelect } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import type { AdminUsage, UsageSum } from "@windshift/contract/api/usage.ts";
import { onFirstUse } from "../parts/first-use.ts";
import { dollarText, tokenText } from "../parts/money-text.ts";
import { PageHead } from "../parts/page-head.tsx";
import { BudgetUse } from "../settings/budget-use.tsx";
import { Facts, Section } from "../settings/settings-section.tsx";
import { PagePending } from "../shell/page-pending.tsx";
import { adminUsageQuery } from "./admin-queries.ts";
import { type Bar, BarChart } from "./bar-chart.tsx";

const monthFormat = onFirstUse(
  () => new Intl.DateTimeFormat("en-GB", { month: "long", year: "numeric", timeZone: "UTC" }),
);
const tickFormat = onFirstUse(() => new Intl.DateTimeFormat("en-GB", { month: "short", timeZone: "UTC" }));

/** What models were used for and what they cost, by month, day, workspace and model. */
export function UsagePage() {
  const navigate = useNavigate();
  const { month } = useSearch({ strict: false }) as { month?: string };
  const wanted = /^\d{4}-(?:0[1-9]|1[0-2])$/.test(month ?? "") ? month : undefined;
  const { data: usage, error } = useQuery({
    ...adminUsageQuery(wanted),
    placeholderData: (before) => before,
  });
  if (usage === undefined) {
    if (error !== null) throw error;
    return <PagePending />;
  }
  const now = new Date().toISOString().slice(0, 7);
  return (
    <>
      <PageHead title="Usage">
        <NativeSelect
          aria-label="Month"
          value={usage.month}
          data={monthsBefore(now).map((value) => ({ value, label: monthName(value) }))}
          onChange={(event) => navigate({ to: ".", search: { month: event.currentTarget.value } })}
        />
      </PageHead>
      <Facts of={sumFacts(usage)} />
      <Section title={`Tokens in ${monthName(usage.month)}`}>
        <BarChart title="Tokens a day" bars={dayBars(usage)} text={tokenText} />
      </Section>
      <Section title="The last twelve months">
        <BarChart
          title="Tokens a month"
          bars={usage.months.map((one) => ({
            tick: tickFormat().format(dateOf(one.month)),
            name: monthName(one.month),
            value: tokensOf(one),
          }))}
          text={tokenText}
        />
        <BarChart
          title="Cost a month"
          bars={usage.months.map((one) => ({
            tick: tickFormat().format(dateOf(one.month)),
            name: monthName(one.month),
            value: one.cost_micros ?? 0,
          }))}
          text={dollarText}
        />
      </Section>
      <Section title="Workspaces">
        <ul className="rows">
          {usage.workspaces.map((one) => (
            <li key={one.key} className="row">
              <h3 className="row-name">
                {one.name} <span className="quiet">{one.key}</span>
              </h3>
              <Facts of={sumFacts(one)} />
              {one.budget.tokens_max !== null && (
                <BudgetUse measure="tokens" used={one.budget.tokens_used} max={one.budget.tokens_max} />
              )}
              {one.budget.cost_micros_max !== null && (
                <BudgetUse
                  measure="cost"
                  used={one.budget.cost_micros_used}
                  max={one.budget.cost_micros_max}
                />
              )}
            </li>
          ))}
        </ul>
        {usage.workspaces.length === 0 && <p className="quiet">No workspace called a model in this month.</p>}
      </Section>
      <Section title="Models">
        <ModelTable usage={usage} />
      </Section>
    </>
  );
}

function ModelTable({ usage }: { usage: AdminUsage }) {
  if (usage.models.length === 0) return <p className="quiet">None was called.</p>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls sideways has to be reached by the keyboard.
    <section className="table-scroll" tabIndex={0} aria-label="Use by model">
      <table className="figures">
        <thead>
          <tr>
            <th scope="col">Model</th>
            <th scope="col">Calls</th>
            <th scope="col">Input</th>
            <th scope="col">From cache</th>
            <th scope="col">Output</th>
            <th scope="col">Cost</th>
          </tr>
        </thead>
        <tbody>
          {usage.models.map((one) => (
            <tr key={one.model}>
              <th scope="row">
                <code>{one.model}</code>
              </th>
              {[one.calls, one.input_tokens, one.cached_input_tokens, one.output_tokens].map((figure, at) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: the columns stand still.
                <td key={at}>{figure.toLocaleString("en-US")}</td>
              ))}
              <td>{costText(one)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function sumFacts(sum: UsageSum): [string, string][] {
  const facts: [string, string][] = [
    ["Calls", sum.calls.toLocaleString("en-US")],
    ["Input", tokenText(sum.input_tokens)],
    ["From cache", tokenText(sum.cached_input_tokens)],
    ["Output", tokenText(sum.output_tokens)],
    ["Cost", costText(sum)],
  ];
  if (sum.unknown_calls > 0) facts.push(["Calls of unknown size", sum.unknown_calls.toLocaleString("en-US")]);
  if (sum.estimated_calls > 0) facts.push(["Estimated calls", sum.estimated_calls.toLocaleString("en-US")]);
  return facts;
}

function costText(sum: UsageSum): string {
  return sum.cost_micros === null ? "unknown: a model has no price" : dollarText(sum.cost_micros);
}

function tokensOf(sum: UsageSum): number {
  return sum.input_tokens + sum.output_tokens;
}

/** A bar for each day of the month, those without a call among them. */
function dayBars(usage: AdminUsage): Bar[] {
  const start = dateOf(usage.month);
  const days = new Date(Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + 1, 0)).getUTCDate();
  return Array.from({ length: days }, (_, at) => {
    const name = `${usage.month}-${String(at + 1).padStart(2, "0")}`;
    const used = usage.days.find(({ day }) => day === name);
    return { tick: at % 5 === 0 ? String(at + 1) : "", name, value: used === undefined ? 0 : tokensOf(used) };
  });
}

function dateOf(month: string): Date {
  return new Date(`${month}-01T00:00:00Z`);
}

function monthName(month: string): string {
  return monthFormat().format(dateOf(month));
}

/** The month and those before it that can be chosen. */
function monthsBefore(month: string): string[] {
  const date = dateOf(month);
  return Array.from({ length: 24 }, (_, back) =>
    new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() - back, 1)).toISOString().slice(0, 7),
  );
}

import { field, list, text } from "../fields.ts";

/** A run as a person reads it. Numbers that nobody told are left out, never shown as zero. */
export function runText(run: unknown, usage: unknown): string {
  return [
    `run ${text(run, "id")} of ${text(run, "item_key")}: ${text(run, "status")}${paren(text(run, "reason"))}`,
    ...line("agent", text(run, "agent", "name")),
    ...line("asked by", `${text(run, "requested_by", "name")}${paren(text(run, "trigger"))}`),
    ...line("phase", text(run, "phase")),
    ...line("why", text(run, "detail")),
    ...line("queued", text(run, "queued_because", "text")),
    ...line("model", text(run, "model")),
    ...line("branch", text(run, "branch")),
    ...line("pull request", pullRequestText(field(run, "pull_request"))),
    ...list(run, "attempts").map(attemptText),
    ...line("tokens", tokensText(usage)),
    ...line("cost", costText(field(usage, "cost_micros"))),
    ...list(run, "files_changed").map(
      (file) => `file: ${text(file, "path")} +${text(file, "added")} -${text(file, "deleted")}`,
    ),
    ...(text(run, "summary") === "" ? [] : ["", text(run, "summary")]),
  ].join("\n");
}

function attemptText(attempt: unknown): string {
  const times = [text(attempt, "claimed_at"), text(attempt, "ended_at")].filter(Boolean).join(" to ");
  return `attempt ${text(attempt, "attempt")}: ${[text(attempt, "runner"), times, text(attempt, "outcome")].filter(Boolean).join(", ")}`;
}

function pullRequestText(pull: unknown): string {
  const number = text(pull, "number");
  if (number === "") return "";
  const draft = field(pull, "draft") === true ? "draft, " : "";
  return `#${number} (${draft}${text(pull, "state")}) ${text(pull, "url")}`.trim();
}

function tokensText(usage: unknown): string {
  const input = text(usage, "input_tokens");
  return input === "" ? "" : `${input} in, ${text(usage, "output_tokens")} out`;
}

function costText(micros: unknown): string {
  return typeof micros === "number" ? `$${(micros / 1_000_000).toFixed(4)}` : "";
}

function paren(words: string): string {
  return words === "" ? "" : ` (${words})`;
}

function line(name: string, value: string): string[] {
  return value === "" ? [] : [`${name}: ${value}`];
}

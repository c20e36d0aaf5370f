import { Loader, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { AgentRun, PromptNote } from "@windshift/contract/api/run.ts";
import { visibleText } from "../parts/visible-text.ts";
import { runPromptQuery } from "./run-queries.ts";

/** What the agent was told, word for word, and what became of what people wrote. Hidden characters stand by their names. */
export function RunPrompt({ run }: { run: AgentRun }) {
  const { data, error } = useQuery(runPromptQuery(run.id, run.attempt));
  if (error !== null) return <Text size="sm">{error.message}</Text>;
  if (data === undefined) return <Loader size="sm" aria-label="Loading" />;
  if (data.prompt === null)
    return (
      <Text size="sm" c="dimmed">
        It is put together when a runner takes the run.
      </Text>
    );
  return (
    <div className="run-prompt">
      {data.notes.length > 0 && (
        <ul className="run-prompt-notes">
          {data.notes.map((note) => (
            <li key={JSON.stringify(note)}>{noteText(note)}</li>
          ))}
        </ul>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard. */}
      <pre tabIndex={0}>{visibleText(data.prompt)}</pre>
    </div>
  );
}

const HIDDEN_TEXT: Record<Extract<PromptNote, { kind: "hidden" }>["what"], string> = {
  zero_width: "characters without width",
  bidi: "characters that turn the direction of writing",
  tags: "invisible tag characters",
  control: "control characters",
  html_comment: "HTML comments",
  link_definition: "link definitions that are not shown",
  mixed_script: "words of mixed alphabets",
  encoded: "encoded text",
};
const LEFT_OUT_TEXT = {
  old: "because they did not fit; the oldest go first",
  outside: "because their authors are not in the workspace",
} as const;

function noteText(note: PromptNote): string {
  switch (note.kind) {
    case "hidden": {
      const what = `${note.count} × ${HIDDEN_TEXT[note.what]} in the ${visibleText(note.where)}`;
      const done = note.removed ? "taken out" : "left as they are, and the agent is told";
      return `${what}: ${done}.${note.excerpt === "" ? "" : ` They say: ${visibleText(note.excerpt)}`}`;
    }
    case "cut":
      return `The ${visibleText(note.where)} was cut: ${note.kept.toLocaleString("en-US")} of ${note.bytes.toLocaleString("en-US")} bytes are in the prompt.`;
    case "left_out":
      return `${note.count} ${note.what} were left out ${LEFT_OUT_TEXT[note.why]}.`;
  }
}

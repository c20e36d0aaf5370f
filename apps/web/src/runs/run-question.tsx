import { Button } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import type { AgentRunDetail } from "@windshift/contract/api/run.ts";
import type { FormEvent } from "react";
import { sendApi } from "../api/api.ts";
import { useApiForm } from "../parts/api-form.ts";
import { useDraft } from "../parts/draft.ts";
import { GrowingText } from "../parts/growing-text.tsx";
import { Markdown } from "../parts/markdown.tsx";
import { visibleText } from "../parts/visible-text.ts";
import { sayDone } from "../shell/notices.tsx";
import { refreshRun } from "./run-queries.ts";

/** What the agent asks, and where to answer: the answer is a comment on the item, and the run goes on with it. */
export function RunQuestion({ run, mayAnswer }: { run: AgentRunDetail; mayAnswer: boolean }) {
  return (
    <section className="run-question" aria-label="The agent asks">
      <p className="run-subhead">{visibleText(run.agent.name)} asks</p>
      <Markdown text={visibleText(run.summary ?? run.detail ?? "")} />
      {mayAnswer ? (
        <AnswerForm run={run} />
      ) : (
        <p className="run-quiet">A member of the workspace can answer with a comment.</p>
      )}
    </section>
  );
}

function AnswerForm({ run }: { run: AgentRunDetail }) {
  const client = useQueryClient();
  const [answer, setAnswer, forget] = useDraft(`answer:${run.id}`, "");
  const form = useApiForm(["body"]);
  const send = async (event: FormEvent) => {
    event.preventDefault();
    if (form.busy) return;
    const worked = await form.submit(() =>
      sendApi("POST", `/api/v1/items/${run.item_key}/comments`, { body: answer }),
    );
    if (!worked) return;
    forget();
    sayDone("Answered; the run goes on.");
    await refreshRun(client, run);
  };
  return (
    <form onSubmit={send} className="run-answer">
      <GrowingText
        label="Your answer"
        description="It becomes a comment on the item, and the agent goes on on the same branch."
        rowsMin={2}
        rowsMax={16}
        value={answer}
        onChange={(event) => setAnswer(event.currentTarget.value)}
        error={form.fieldError("body") ?? form.problem}
      />
      <Button type="submit" loading={form.busy}>
        Answer and go on
      </Button>
    </form>
  );
}

import { useQueryClient } from "@tanstack/react-query";
import { AgentRunDetail, type AgentRunMessage } from "@windshift/contract/api/run.ts";
import type { FormEvent, KeyboardEvent } from "react";
import type { z } from "zod";
import { callApi } from "../api/api.ts";
import { useApiForm } from "../parts/api-form.ts";
import { Button } from "../parts/button.tsx";
import { useDraft } from "../parts/draft.ts";
import { GrowingText } from "../parts/growing-text.tsx";
import { TimeText } from "../parts/time-text.tsx";
import { visibleText } from "../parts/visible-text.ts";
import { runQuery } from "./run-queries.ts";

type Message = z.infer<typeof AgentRunMessage>;

const MESSAGE_TEXT: Record<Message["status"], string> = {
  queued: "Queued",
  delivered: "Delivered",
  acknowledged: "Read by the agent",
};

/** What was written to the run and what became of it; below it, while the run lives, the place to write. */
export function RunComposer({ run, mayWrite }: { run: AgentRunDetail; mayWrite: boolean }) {
  const { messages } = run;
  if (messages.length === 0 && !mayWrite) return null;
  return (
    <section className="run-messages" aria-label="Messages to the agent">
      {messages.length > 0 && (
        <ol>
          {messages.map((message) => (
            <li key={message.id} className="run-message" data-message={message.status}>
              <p className="run-quiet">
                <strong>{visibleText(message.author)}</strong>{" "}
                {message.kind === "outside" && "for somebody on the forge "}
                <TimeText at={message.created_at} />
                <span className={`message-state message-${message.status}`} role="status">
                  {MESSAGE_TEXT[message.status]}
                </span>
              </p>
              <p className="run-message-text">{visibleText(message.body)}</p>
            </li>
          ))}
        </ol>
      )}
      {mayWrite && <Composer run={run} />}
    </section>
  );
}

function Composer({ run }: { run: AgentRunDetail }) {
  const client = useQueryClient();
  const [text, setText, forget] = useDraft(`message:${run.id}`, "");
  const form = useApiForm(["text"]);
  const send = async () => {
    if (form.busy) return;
    const worked = await form.submit(async () => {
      const path = `/api/v1/agent-runs/${run.id}/messages`;
      client.setQueryData(runQuery(run.id).queryKey, await callApi("POST", path, AgentRunDetail, { text }));
    });
    if (worked) forget();
  };
  const press = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    void send();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void send();
  };
  return (
    <form onSubmit={submit} className="run-composer">
      <GrowingText
        aria-label="Message to the agent"
        placeholder="Write to the agent while it works"
        rowsMin={1}
        rowsMax={10}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        onKeyDown={press}
        error={form.fieldError("text") ?? form.problem}
      />
      <Button type="submit" variant="default" loading={form.busy}>
        Send
      </Button>
    </form>
  );
}

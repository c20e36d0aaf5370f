import { useQueryClient } from "@tanstack/react-query";
import { Comment } from "@windshift/contract/api/comment.ts";
import type { WorkItemDetail } from "@windshift/contract/api/work-item.ts";
import { useRef } from "react";
import { callApi } from "../api/api.ts";
import { useApiForm } from "../parts/api-form.ts";
import { Button } from "../parts/button.tsx";
import { useDraft } from "../parts/draft.ts";
import { commentsQuery } from "./item-queries.ts";
import { refreshItem } from "./item-writes.ts";
import { MarkdownEditor } from "./markdown-editor.tsx";

/** The field to say something; what is in it outlives a reload until it was sent. */
export function CommentForm({ item }: { item: WorkItemDetail }) {
  const client = useQueryClient();
  const [body, setBody, forget] = useDraft(`comment:${item.key}`, "");
  const live = useRef(body);
  live.current = body;
  const form = useApiForm(["body"]);
  // One that waits for a budget is not helped by words.
  const waits = item.active_run?.status === "waiting" && item.active_run.reason !== "budget";
  const send = async () => {
    if (form.busy) return;
    const worked = await form.submit(() =>
      callApi("POST", `/api/v1/items/${item.key}/comments`, Comment, { body }),
    );
    if (!worked) return;
    // What was typed while it was on its way is the beginning of the next one, whether behind what was sent or in its place.
    const typed = live.current;
    if (typed === body) forget();
    else setBody(typed.startsWith(body) ? typed.slice(body.length).trimStart() : typed);
    await client.invalidateQueries({ queryKey: commentsQuery(item.key).queryKey });
    await refreshItem(client, item.workspace, item.key);
  };
  return (
    <form
      className="comment-form"
      aria-label="Add a comment"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <MarkdownEditor
        label="Add a comment"
        value={body}
        onChange={setBody}
        workspace={item.workspace}
        onSend={() => void send()}
        error={form.fieldError("body")}
        placeholder={waits ? "Your answer: the agent waits for it" : "Say something, or call an agent with @"}
      />
      {form.problem !== undefined && (
        <p role="alert" className="problem">
          {form.problem}
        </p>
      )}
      <div className="in-row editor-acts">
        <Button type="submit" size="compact-sm" loading={form.busy}>
          Comment
        </Button>
        <p className="note">
          {waits ? "A comment answers the run that waits for you." : "Markdown. Ctrl and Enter sends it."}
        </p>
      </div>
    </form>
  );
}

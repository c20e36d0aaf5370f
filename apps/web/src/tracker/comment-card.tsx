import { IconDots } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { Comment } from "@windshift/contract/api/comment.ts";
import type { WorkItemDetail } from "@windshift/contract/api/work-item.ts";
import type { Role } from "@windshift/contract/api/workspace.ts";
import { useState } from "react";
import { callApi, sendApi } from "../api/api.ts";
import { useMe } from "../api/me.ts";
import { useApiForm } from "../parts/api-form.ts";
import { Button } from "../parts/button.tsx";
import { ConfirmDialog } from "../parts/confirm-dialog.tsx";
import { useDraft } from "../parts/draft.ts";
import { Markdown } from "../parts/markdown.tsx";
import { MenuButton } from "../parts/menu-button.tsx";
import { PersonName } from "../parts/person-name.tsx";
import { TimeText } from "../parts/time-text.tsx";
import { paths } from "../paths.ts";
import { commentsQuery } from "./item-queries.ts";
import { MarkdownEditor } from "./markdown-editor.tsx";
import { PlainLink } from "./plain-link.tsx";

/** What somebody said; its author changes or deletes it, an admin deletes it. */
export function CommentCard(props: { comment: Comment; item: WorkItemDetail; role: Role }) {
  const { comment, item, role } = props;
  const me = useMe();
  const client = useQueryClient();
  const [draft, setDraft, forget] = useDraft<string | null>(`comment-edit:${comment.id}`, null);
  const [asking, setAsking] = useState(false);
  const own = comment.author.id === me.id && role !== "viewer";
  const refresh = () => client.invalidateQueries({ queryKey: commentsQuery(item.key).queryKey });
  const remove = async () => {
    await sendApi("DELETE", `/api/v1/comments/${comment.id}`);
    await refresh();
  };
  return (
    <article className="comment" aria-label={`Comment by ${comment.author.name}`}>
      <header className="comment-head">
        <b>
          <PersonName user={comment.author} />
        </b>
        <span className="quiet">
          {comment.run_id !== null && (
            <>
              <PlainLink to={paths.run(item.key, comment.run_id)}>run {comment.run_id}</PlainLink>{" "}
            </>
          )}
          <TimeText at={comment.created_at} />
          {comment.edited_at !== null && ", edited"}
        </span>
        {(own || role === "admin") && (
          <MenuButton
            label={`Change the comment by ${comment.author.name}`}
            className="icon-button comment-menu"
            align="end"
            lines={() => [
              ...(own ? [{ kind: "do" as const, text: "Edit", run: () => setDraft(comment.body) }] : []),
              { kind: "do", text: "Delete", run: () => setAsking(true) },
            ]}
          >
            <IconDots size={16} aria-hidden />
          </MenuButton>
        )}
      </header>
      {draft !== null && own ? (
        <CommentEdit
          comment={comment}
          workspace={item.workspace}
          draft={draft}
          onChange={setDraft}
          onLeave={forget}
          onSaved={refresh}
        />
      ) : (
        <Markdown text={comment.body} />
      )}
      {asking && (
        <ConfirmDialog
          onClose={() => setAsking(false)}
          title="Delete this comment?"
          verb="Delete comment"
          onConfirm={remove}
        >
          It is gone for everybody. An agent that has read it already knows it.
        </ConfirmDialog>
      )}
    </article>
  );
}

function CommentEdit(props: {
  comment: Comment;
  workspace: string;
  draft: string;
  onChange(text: string): void;
  onLeave(): void;
  onSaved(): Promise<unknown>;
}) {
  const { comment, workspace, draft, onChange, onLeave, onSaved } = props;
  const form = useApiForm(["body"]);
  const save = async () => {
    if (form.busy) return;
    const worked = await form.submit(() =>
      callApi("PATCH", `/api/v1/comments/${comment.id}`, Comment, { body: draft }),
    );
    if (!worked) return;
    await onSaved();
    onLeave();
  };
  return (
    <>
      <MarkdownEditor
        label="Edit comment"
        value={draft}
        onChange={onChange}
        workspace={workspace}
        onSend={() => void save()}
        // Escape leaves what is as it was; a text that was changed is dropped by its button only.
        {...(draft === comment.body ? { onLeave } : {})}
        error={form.fieldError("body")}
        autoFocus
      />
      {form.problem !== undefined && (
        <p role="alert" className="problem">
          {form.problem}
        </p>
      )}
      <div className="in-row editor-acts">
        <Button size="compact-sm" loading={form.busy} onClick={() => void save()}>
          Save comment
        </Button>
        <Button size="compact-sm" variant="default" onClick={onLeave}>
          Cancel
        </Button>
      </div>
    </>
  );
}

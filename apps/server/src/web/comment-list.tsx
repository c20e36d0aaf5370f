/** @jsxImportSource hono/jsx */
import type { Comment } from "@windshift/contract/api/comment.ts";
import { COMMENT_BYTES_MAX } from "@windshift/contract/limits.ts";
import { UserName } from "./badge.tsx";
import { Field, FormError } from "./form-field.tsx";
import type { ItemView } from "./item-page.tsx";
import { Time } from "./time-text.tsx";

/** What people and agents said, oldest first, and the field to say more. */
export function Comments({ view }: { view: ItemView }) {
  const { item, comments, later } = view;
  return (
    <section aria-labelledby="comments-title">
      <h2 id="comments-title">Comments</h2>
      <div id="comments" data-refresh>
        {later && (
          <p>
            <a href={`/items/${item.key}`}>Earlier comments</a>
          </p>
        )}
        {comments.comments.length === 0 && <p class="empty">No comments yet.</p>}
        {comments.comments.map((comment) => (
          <CommentCard comment={comment} />
        ))}
        {comments.next_after !== null && (
          <p>
            <a href={`/items/${item.key}?after=${comments.next_after}#comments`}>Later comments</a>
          </p>
        )}
      </div>
      {view.mayChange && <CommentForm itemKey={item.key} />}
    </section>
  );
}

function CommentCard({ comment }: { comment: Comment }) {
  return (
    <article class="card comment" id={`comment-${comment.id}`}>
      <header>
        <UserName user={comment.author} />
        <span class="muted small">
          {comment.run_id !== null && <a href={`#run-${comment.run_id}`}>run {comment.run_id}</a>}{" "}
          <Time at={comment.created_at} />
        </span>
      </header>
      <pre class="prose">{comment.body}</pre>
    </article>
  );
}

function CommentForm({ itemKey }: { itemKey: string }) {
  return (
    <form
      class="stack"
      method="post"
      data-api={`/api/v1/items/${itemKey}/comments`}
      data-then="refresh"
      data-clear
    >
      <FormError />
      <Field
        id="comment"
        name="body"
        label="Add a comment"
        hint="Markdown. A comment answers a run that waits for you."
      >
        <textarea
          id="comment"
          name="body"
          rows={4}
          required
          maxlength={COMMENT_BYTES_MAX}
          aria-describedby="comment-hint"
        ></textarea>
      </Field>
      <button type="submit" class="primary">
        Comment
      </button>
    </form>
  );
}

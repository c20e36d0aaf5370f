/** @jsxImportSource hono/jsx */
import type { Mergeability, PullRequestDetail } from "@windshift/contract/api/pull-request.ts";
import type { Child } from "hono/jsx";
import { UserName } from "./badge.tsx";
import { FormError } from "./form-field.tsx";
import { Time } from "./time-text.tsx";

/** What can be done with it, each with what that will do; or what was decided. */
export function Decision({ pull, mayDecide }: { pull: PullRequestDetail; mayDecide: boolean }) {
  return (
    <section class="card decision" aria-label="Decision">
      {pull.state !== "open" && <Decided pull={pull} />}
      {pull.mergeability && <MergeState state={pull.mergeability} target={pull.target_branch} />}
      {mayDecide && pull.state !== "merged" && <DecisionForms pull={pull} />}
    </section>
  );
}

function Decided({ pull }: { pull: PullRequestDetail }) {
  return (
    <p>
      {pull.decided_by && <UserName user={pull.decided_by} />}{" "}
      {pull.state === "merged" ? (
        <>
          merged this into <code>{pull.target_branch}</code>
          {pull.merged_oid !== null && (
            <>
              {" "}
              as <code>{pull.merged_oid.slice(0, 10)}</code>
            </>
          )}
        </>
      ) : (
        "closed this without merging"
      )}{" "}
      <Time at={pull.updated_at} />
    </p>
  );
}

function MergeState({ state, target }: { state: Mergeability; target: string }) {
  switch (state.kind) {
    case "clean":
      return (
        <p>
          This can be merged into <code>{target}</code> without conflicts.
        </p>
      );
    case "conflict":
      return (
        <div class="callout bad">
          <p>
            These files changed on <code>{target}</code> too and cannot be merged by themselves:
          </p>
          <ul>
            {state.paths.map((path) => (
              <li>
                <code>{path}</code>
              </li>
            ))}
          </ul>
        </div>
      );
    case "contained":
      return (
        <p>
          <code>{target}</code> has all of this already.
        </p>
      );
    case "missing":
      return <p class="callout bad">{state.detail}</p>;
  }
}

function DecisionForms({ pull }: { pull: PullRequestDetail }) {
  const { target_branch: target, source_branch: source, repository } = pull;
  if (pull.state === "closed") {
    return (
      <div class="decision-forms">
        <Action pull={pull} name="reopen" text="Reopen">
          Makes it a proposal again. Nothing is merged.
        </Action>
      </div>
    );
  }
  return (
    <div class="decision-forms">
      {pull.draft ? (
        <Action pull={pull} name="ready" text="Mark as ready" look="primary">
          Ends the draft, so that it can be merged. Nothing is merged yet.
        </Action>
      ) : (
        <Action pull={pull} name="merge" text={`Merge into ${target}`} look="primary">
          Brings these commits into <code>{target}</code> of {repository.owner}/{repository.name} with a merge
          commit in your name.
        </Action>
      )}
      <Action pull={pull} name="close" text="Close without merging" look="danger">
        <code>{target}</code> stays as it is, and the branch <code>{source}</code> is kept. It can be
        reopened.
      </Action>
    </div>
  );
}

interface ActionProps {
  pull: PullRequestDetail;
  /** As in the API. */
  name: "ready" | "merge" | "close" | "reopen";
  text: string;
  look?: "primary" | "danger";
  /** What it will do. */
  children?: Child;
}

function Action(props: ActionProps) {
  const blocked = props.name === "merge" && props.pull.mergeability?.kind !== "clean";
  return (
    <form method="post" data-api={`/api/v1/pull-requests/${props.pull.id}/${props.name}`} data-then="reload">
      <FormError />
      <button
        type="submit"
        class={props.look ?? ""}
        disabled={blocked}
        aria-describedby={`${props.name}-does`}
      >
        {props.text}
      </button>
      <p class="hint" id={`${props.name}-does`}>
        {props.children}
      </p>
    </form>
  );
}

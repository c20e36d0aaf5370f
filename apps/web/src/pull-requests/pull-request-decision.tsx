import { Button, Text } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { type Mergeability, PullRequestDetail } from "@windshift/contract/api/pull-request.ts";
import { type ReactNode, useId } from "react";
import { callApi } from "../api/api.ts";
import { useApiForm } from "../parts/api-form.ts";
import { PersonName } from "../parts/person-name.tsx";
import { TimeText } from "../parts/time-text.tsx";
import { visibleText } from "../parts/visible-text.ts";
import { pullRequestPath, pullRequestQuery } from "./pull-request-queries.ts";

/** What can be done with it, each with what that will do; or what was decided. */
export function Decision({ pull, mayDecide }: { pull: PullRequestDetail; mayDecide: boolean }) {
  return (
    <section className="pull-decision" aria-label="Decision">
      {pull.state !== "open" && <Decided pull={pull} />}
      {pull.mergeability !== null && <MergeState state={pull.mergeability} target={pull.target_branch} />}
      {mayDecide && pull.state !== "merged" && <DecisionButtons pull={pull} />}
    </section>
  );
}

function Decided({ pull }: { pull: PullRequestDetail }) {
  const { decided_by: by, target_branch: target, merged_oid: merged } = pull;
  return (
    <p>
      {by === null ? "Somebody" : <PersonName user={{ ...by, name: visibleText(by.name) }} />}{" "}
      {pull.state === "merged" ? (
        <>
          merged this into <code>{visibleText(target)}</code>
          {merged !== null && (
            <>
              {" "}
              as <code>{merged.slice(0, 10)}</code>
            </>
          )}
        </>
      ) : (
        "closed this without merging"
      )}{" "}
      <TimeText at={pull.updated_at} />
    </p>
  );
}

function MergeState({ state, target }: { state: Mergeability; target: string }) {
  const branch = <code>{visibleText(target)}</code>;
  switch (state.kind) {
    case "clean":
      return <p>This can be merged into {branch} without conflicts.</p>;
    case "conflict":
      return (
        <div className="run-callout run-callout-bad">
          <p>These files changed on {branch} too and cannot be merged by themselves:</p>
          <ul>
            {state.paths.map((path) => (
              <li key={path}>
                <code>{visibleText(path)}</code>
              </li>
            ))}
          </ul>
        </div>
      );
    case "contained":
      return <p>{branch} has all of this already.</p>;
    case "missing":
      return <p className="run-callout run-callout-bad">{visibleText(state.detail)}</p>;
  }
}

function DecisionButtons({ pull }: { pull: PullRequestDetail }) {
  const { repository } = pull;
  const target = <code>{visibleText(pull.target_branch)}</code>;
  if (pull.state === "closed")
    return (
      <div className="pull-actions">
        <Action pull={pull} name="reopen" text="Reopen">
          Makes it a proposal again. Nothing is merged.
        </Action>
      </div>
    );
  return (
    <div className="pull-actions">
      {pull.draft ? (
        <Action pull={pull} name="ready" text="Mark as ready" look="filled">
          Ends the draft, so that it can be merged. Nothing is merged yet.
        </Action>
      ) : (
        <Action pull={pull} name="merge" text={`Merge into ${visibleText(pull.target_branch)}`} look="filled">
          Brings these commits into {target} of {visibleText(`${repository.owner}/${repository.name}`)} with a
          merge commit in your name.
        </Action>
      )}
      <Action pull={pull} name="close" text="Close without merging">
        {target} stays as it is, and the branch <code>{visibleText(pull.source_branch)}</code> is kept. It can
        be reopened.
      </Action>
    </div>
  );
}

function Action(props: {
  pull: PullRequestDetail;
  /** As in the API. */
  name: "ready" | "merge" | "close" | "reopen";
  text: string;
  look?: "filled";
  /** What it will do. */
  children: ReactNode;
}) {
  const { pull, name, text, look = "default", children } = props;
  const client = useQueryClient();
  const form = useApiForm();
  const hint = useId();
  const act = () =>
    form.submit(async () => {
      const now = await callApi("POST", `${pullRequestPath(pull.id)}/${name}`, PullRequestDetail);
      client.setQueryData(pullRequestQuery(pull.id).queryKey, now);
      for (const key of ["item", "activity", "run", "runs"])
        void client.invalidateQueries({ queryKey: [key] });
    });
  return (
    <div>
      <Button
        variant={look}
        loading={form.busy}
        disabled={name === "merge" && pull.mergeability?.kind !== "clean"}
        aria-describedby={hint}
        onClick={() => void act()}
      >
        {text}
      </Button>
      {form.problem !== undefined && (
        <Text role="alert" size="sm" c="var(--mantine-color-error)" mt={4}>
          {form.problem}
        </Text>
      )}
      <Text size="sm" c="dimmed" mt={4} id={hint}>
        {children}
      </Text>
    </div>
  );
}

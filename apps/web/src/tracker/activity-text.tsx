import type { Activity, Change } from "@windshift/contract/api/activity.ts";
import type { ReactNode } from "react";
import { PersonName } from "../parts/person-name.tsx";
import { visibleText } from "../parts/visible-text.ts";
import { paths } from "../paths.ts";
import { PRIORITY_TEXT, STATUS_TEXT } from "./item-words.ts";
import { LabelChip } from "./label-chip.tsx";
import { PlainLink } from "./plain-link.tsx";

/** Who did what, as the rest of a sentence: `Ada set the status to Done`. */
export function ActivityText({ entry }: { entry: Activity }) {
  return (
    <span className="activity-text">
      {entry.actor === null ? (
        <b>Windshift</b>
      ) : (
        <b>
          <PersonName user={entry.actor} />
        </b>
      )}{" "}
      {sentence(entry)}
    </span>
  );
}

function sentence({ change, item, run_id: run }: Activity): ReactNode {
  switch (change.kind) {
    case "created":
      return "created this";
    case "title":
      return (
        <>
          changed the title from <q>{visibleText(change.from)}</q> to <q>{visibleText(change.to)}</q>
        </>
      );
    case "description":
      return "changed the description";
    case "status":
      return (
        <>
          moved this from {STATUS_TEXT[change.from]} to <b>{STATUS_TEXT[change.to]}</b>
        </>
      );
    case "priority":
      return (
        <>
          set the priority to <b>{PRIORITY_TEXT[change.to]}</b>
        </>
      );
    case "assignee":
      return assigned(change);
    case "parent":
      return change.to === null ? (
        "took this out of its parent"
      ) : (
        <>
          put this under <PlainLink to={paths.item(change.to.key)}>{change.to.key}</PlainLink>
        </>
      );
    case "label_added":
      return (
        <>
          added <LabelChip label={change.label} />
        </>
      );
    case "label_removed":
      return (
        <>
          removed <LabelChip label={change.label} />
        </>
      );
    case "page_linked":
      return <>linked the page {pageLink(item.key, change.page)}</>;
    case "page_unlinked":
      return <>took away the link to the page {pageLink(item.key, change.page)}</>;
    case "comment":
      return <PlainLink to={`${paths.item(item.key)}#comment-${change.comment_id}`}>commented</PlainLink>;
    case "comment_deleted":
      return "deleted a comment";
    case "run_queued":
      return (
        <>
          set {change.agent.name} to work{runLink(item.key, run)}
        </>
      );
    case "run_ended":
      return (
        <>
          saw the run of {change.agent.name} end: <b>{RUN_END[change.status] ?? change.status}</b>
          {runLink(item.key, run)}
        </>
      );
    default:
      return pullRequest(change);
  }
}

const RUN_END: Record<string, string> = {
  succeeded: "succeeded",
  failed: "failed",
  canceled: "canceled",
  killed: "killed",
  waiting: "waits",
};

function assigned({ to }: Extract<Change, { kind: "assignee" }>): ReactNode {
  if (to === null) return "unassigned this";
  return (
    <>
      assigned this to{" "}
      <b>
        <PersonName user={to} />
      </b>
    </>
  );
}

function runLink(item: string, run: number | null): ReactNode {
  return run === null ? null : (
    <>
      {" "}
      (<PlainLink to={paths.run(item, run)}>run {run}</PlainLink>)
    </>
  );
}

function pageLink(item: string, page: { id: number; title: string }): ReactNode {
  return <PlainLink to={paths.page(item.replace(/-\d+$/, ""), page.id)}>{visibleText(page.title)}</PlainLink>;
}

const PULL_VERBS = {
  pull_request_opened: "opened",
  pull_request_merged: "merged",
  pull_request_closed: "closed",
  pull_request_reopened: "reopened",
};

function pullRequest(change: Extract<Change, { kind: keyof typeof PULL_VERBS }>): ReactNode {
  const { id, number, title } = change.pull_request;
  return (
    <>
      {PULL_VERBS[change.kind]} pull request{" "}
      <PlainLink to={paths.pullRequest(id)}>
        #{number} {visibleText(title)}
      </PlainLink>
    </>
  );
}

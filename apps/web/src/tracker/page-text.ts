import { useQueryClient } from "@tanstack/react-query";
import { PageDetail } from "@windshift/contract/api/page.ts";
import { useRef, useState } from "react";
import { ApiError, callApi } from "../api/api.ts";
import { type ApiForm, useApiForm } from "../parts/api-form.ts";
import { useDraft } from "../parts/draft.ts";
import { pageQuery } from "./page-queries.ts";

/** Title and text that were begun, and the version they were begun from. */
export interface PageDraft {
  title: string;
  body: string;
  version: number;
}

/** A document while it is changed. */
export interface PageText {
  draft: PageDraft | undefined;
  form: ApiForm;
  /** The newer version that somebody else saved meanwhile. */
  theirs: PageDetail | undefined;
  begin(): void;
  change(part: Partial<PageDraft>): void;
  leave(): void;
  save(): Promise<void>;
  overwrite(): Promise<void>;
}

/** Changes a document; the draft is kept in the browser, and another's version is never replaced unseen. */
export function usePageText(page: PageDetail): PageText {
  const client = useQueryClient();
  const [draft, setDraft, forget] = useDraft<PageDraft | null>(`page:${page.id}`, null);
  // Of this page alone: after a reload the draft stands on what it was begun from, and theirs is shown anew before it is replaced.
  const [theirs, setTheirs] = useState<PageDetail>();
  const form = useApiForm(["title", "body"]);
  // What is typed while an answer is on its way is not lost with it.
  const live = useRef(draft);
  live.current = draft;
  const leave = () => {
    forget();
    setTheirs(undefined);
  };
  const send = async ({ title, body, version: begun }: PageDraft) => {
    const version = theirs?.version ?? begun;
    let saved: PageDetail | undefined;
    await form.submit(async () => {
      try {
        saved = await callApi("PATCH", `/api/v1/pages/${page.id}`, PageDetail, { title, body, version });
      } catch (error) {
        if (!(error instanceof ApiError && error.code === "conflict")) throw error;
        // From here on theirs is before the reader, so that saving once more takes its place.
        setTheirs(await client.fetchQuery({ ...pageQuery(page.id), staleTime: 0 }));
      }
    });
    if (saved === undefined) return;
    client.setQueryData(pageQuery(page.id).queryKey, saved);
    const typed = live.current;
    setTheirs(undefined);
    if (typed === null || (typed.title === title && typed.body === body)) forget();
    else setDraft({ ...typed, version: saved.version });
    await client.invalidateQueries({ queryKey: ["pages", page.workspace] });
    await client.invalidateQueries({ queryKey: ["page-versions", page.id] });
  };
  return {
    draft: draft ?? undefined,
    form,
    theirs,
    begin: () => draft ?? setDraft({ title: page.title, body: page.body, version: page.version }),
    change: (part) => draft !== null && setDraft({ ...draft, ...part }),
    leave,
    save: async () => {
      if (draft === null) return;
      if (draft.title === page.title && draft.body === page.body) leave();
      else await send(draft);
    },
    overwrite: async () => {
      if (draft !== null) await send(draft);
    },
  };
}

import { useQueryClient } from "@tanstack/react-query";
import { WorkItemDetail } from "@windshift/contract/api/work-item.ts";
import { useRef, useState } from "react";
import { ApiError, callApi } from "../api/api.ts";
import { type ApiForm, useApiForm } from "../parts/api-form.ts";
import { useDraft } from "../parts/draft.ts";
import { itemQuery } from "./item-queries.ts";
import { refreshItem } from "./item-writes.ts";

/** A text that was begun, and the state of the item it was begun from; outlives a reload. */
interface TextDraft {
  text: string;
  from: string;
}

/** Title or description while it is changed. */
export interface ItemText {
  /** Undefined while it is only read. */
  draft: string | undefined;
  form: ApiForm;
  /** What somebody else wrote meanwhile; the reader decides. */
  theirs: string | undefined;
  begin(): void;
  change(text: string): void;
  leave(): void;
  save(): Promise<void>;
  /** Puts the draft in place of what the other one wrote. */
  overwrite(): Promise<void>;
}

/** Changes a text of an item in its place. The draft is kept in the browser, and another's words are never written over unseen. */
export function useItemText(item: WorkItemDetail, field: "title" | "description"): ItemText {
  const client = useQueryClient();
  const [draft, setDraft, forget] = useDraft<TextDraft | null>(`item-text:${item.key}:${field}`, null);
  const [theirs, setTheirs] = useState<string>();
  const form = useApiForm([field]);
  // What is typed while an answer is on its way is not lost with it.
  const live = useRef(draft);
  live.current = draft;
  const leave = () => {
    forget();
    setTheirs(undefined);
  };
  const send = async (text: string, from: string) => {
    const worked = await form.submit(async () => {
      const body = { [field]: text, expected_updated_at: from };
      const saved = await callApi("PATCH", `/api/v1/items/${item.key}`, WorkItemDetail, body).catch(
        (error) => {
          const conflicting =
            error instanceof ApiError && error.code === "conflict" ? error.fields[field] : undefined;
          if (conflicting === undefined) throw error;
          setTheirs(conflicting);
          return undefined;
        },
      );
      if (saved === undefined) return await showTheirs(text);
      client.setQueryData(itemQuery(item.key).queryKey, saved);
      const typed = live.current?.text ?? text;
      setTheirs(undefined);
      if (typed === text) forget();
      else setDraft({ text: typed, from: saved.updated_at });
    });
    if (worked) await refreshItem(client, item.workspace, item.key);
  };
  /** From here on their text is before the reader, so that saving once more takes its place. */
  const showTheirs = async (text: string) => {
    const now = await readNow();
    setTheirs(now[field]);
    setDraft({ text: live.current?.text ?? text, from: now.updated_at });
  };
  const readNow = () => client.fetchQuery({ ...itemQuery(item.key), staleTime: 0 });
  return {
    draft: draft?.text,
    form,
    theirs,
    begin: () => draft ?? setDraft({ text: item[field], from: item.updated_at }),
    change: (text) => setDraft({ text, from: draft?.from ?? item.updated_at }),
    leave,
    save: async () => {
      if (draft === null) return;
      if (draft.text === item[field]) leave();
      else await send(draft.text, draft.from);
    },
    overwrite: async () => {
      if (draft === null) return;
      await send(draft.text, (await readNow()).updated_at);
    },
  };
}

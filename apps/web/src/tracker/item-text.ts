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
  // Of this page alone: after a reload the draft stands on what it was begun from, and their text is shown anew before it is replaced.
  const [seen, setSeen] = useState<{ text: string; at: string }>();
  const form = useApiForm([field]);
  // What is typed while an answer is on its way is not lost with it.
  const live = useRef(draft);
  live.current = draft;
  const leave = () => {
    forget();
    setSeen(undefined);
  };
  const send = async ({ text, from }: TextDraft) => {
    const worked = await form.submit(async () => {
      const body = { [field]: text, expected_updated_at: seen?.at ?? from };
      const saved = await callApi("PATCH", `/api/v1/items/${item.key}`, WorkItemDetail, body).catch(
        (error) => {
          if (!isTextConflict(error, field)) throw error;
          return undefined;
        },
      );
      if (saved === undefined) return await showTheirs();
      client.setQueryData(itemQuery(item.key).queryKey, saved);
      const typed = live.current?.text ?? text;
      setSeen(undefined);
      if (typed === text) forget();
      else setDraft({ text: typed, from: saved.updated_at });
    });
    if (worked) await refreshItem(client, item.workspace, item.key);
  };
  /** From here on their text is before the reader, so that saving once more takes its place. */
  const showTheirs = async () => {
    const now = await client.fetchQuery({ ...itemQuery(item.key), staleTime: 0 });
    setSeen({ text: now[field], at: now.updated_at });
  };
  return {
    draft: draft?.text,
    form,
    theirs: seen?.text,
    begin: () => draft ?? setDraft({ text: item[field], from: item.updated_at }),
    change: (text) => setDraft({ text, from: draft?.from ?? item.updated_at }),
    leave,
    save: async () => {
      if (draft === null) return;
      if (draft.text === item[field]) leave();
      else await send(draft);
    },
    overwrite: async () => {
      if (draft !== null) await send(draft);
    },
  };
}

/** Somebody else has changed the text since it was read. */
function isTextConflict(error: unknown, field: string): boolean {
  return error instanceof ApiError && error.code === "conflict" && error.fields[field] !== undefined;
}

import { TextInput } from "@mantine/core";
import { IconPencil } from "@tabler/icons-react";
import type { WorkItemDetail } from "@windshift/contract/api/work-item.ts";
import { type FormEvent, useEffect } from "react";
import { Button } from "../parts/button.tsx";
import { visibleText } from "../parts/visible-text.ts";
import { useItemText } from "./item-text.ts";
import { TextConflict } from "./text-conflict.tsx";

/** The title of an item, changed where it stands. */
export function ItemTitle({ item, mayChange }: { item: WorkItemDetail; mayChange: boolean }) {
  const title = useItemText(item, "title");
  useEffect(() => {
    document.title = `${item.key} ${item.title} · Windshift`;
  }, [item.key, item.title]);
  if (title.draft === undefined || !mayChange)
    return (
      <div className="item-title">
        <h1>{visibleText(item.title)}</h1>
        {mayChange && (
          <button type="button" className="icon-button" onClick={title.begin} aria-label="Edit title">
            <IconPencil size={16} aria-hidden />
          </button>
        )}
      </div>
    );
  const save = (event: FormEvent) => {
    event.preventDefault();
    void title.save();
  };
  return (
    <form onSubmit={save} className="item-title-form">
      <h1 className="sr-only">{visibleText(item.title)}</h1>
      <TextInput
        aria-label="Title"
        value={title.draft}
        onChange={(event) => title.change(event.currentTarget.value)}
        // A title that was changed is dropped by its button only.
        onKeyDown={(event) => event.key === "Escape" && title.draft === item.title && title.leave()}
        error={title.form.fieldError("title") ?? title.form.problem}
        size="md"
        autoFocus
      />
      <div className="in-row item-title-acts">
        <Button type="submit" size="compact-sm" loading={title.form.busy}>
          Save title
        </Button>
        <Button variant="default" size="compact-sm" onClick={title.leave}>
          Cancel
        </Button>
      </div>
      {title.theirs !== undefined && (
        <TextConflict
          what="title"
          theirs={title.theirs}
          mine={title.draft}
          busy={title.form.busy}
          onOverwrite={() => void title.overwrite()}
          onTakeTheirs={title.leave}
        />
      )}
    </form>
  );
}

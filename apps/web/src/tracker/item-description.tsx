import { IconPencil } from "@tabler/icons-react";
import type { WorkItemDetail } from "@windshift/contract/api/work-item.ts";
import { Button } from "../parts/button.tsx";
import { Markdown } from "../parts/markdown.tsx";
import { useShortcuts } from "../shell/shortcuts.ts";
import { useItemText } from "./item-text.ts";
import { MarkdownEditor } from "./markdown-editor.tsx";
import { TextConflict } from "./text-conflict.tsx";

/** The description of an item, changed where it stands. */
export function ItemDescription({ item, mayChange }: { item: WorkItemDetail; mayChange: boolean }) {
  const text = useItemText(item, "description");
  useShortcuts(
    mayChange ? [{ keys: "e", does: "Edit the description", group: "Item", run: text.begin }] : [],
  );
  if (text.draft === undefined || !mayChange)
    return (
      <section aria-label="Description" className="item-description">
        <h2 className="sr-only">Description</h2>
        {item.description === "" ? (
          <p className="quiet">No description.</p>
        ) : (
          <Markdown text={item.description} />
        )}
        {mayChange && (
          <Button
            variant="subtle"
            color="gray"
            size="compact-sm"
            leftSection={<IconPencil size={14} aria-hidden />}
            onClick={text.begin}
          >
            {item.description === "" ? "Add a description" : "Edit description"}
          </Button>
        )}
      </section>
    );
  return (
    <section aria-label="Description" className="item-description">
      <MarkdownEditor
        label="Description"
        value={text.draft}
        onChange={text.change}
        onSend={() => void text.save()}
        workspace={item.workspace}
        error={text.form.fieldError("description")}
        minRows={8}
        placeholder="Markdown. An agent that works on the item reads it."
        autoFocus
      />
      {text.theirs !== undefined && (
        <TextConflict
          what="description"
          theirs={text.theirs}
          mine={text.draft}
          busy={text.form.busy}
          onOverwrite={() => void text.overwrite()}
          onTakeTheirs={text.leave}
        />
      )}
      {text.form.problem !== undefined && (
        <p role="alert" className="problem">
          {text.form.problem}
        </p>
      )}
      <div className="in-row editor-acts">
        <Button size="compact-sm" loading={text.form.busy} onClick={() => void text.save()}>
          Save description
        </Button>
        <Button variant="default" size="compact-sm" onClick={text.leave}>
          Cancel
        </Button>
        <p className="note">What you type is kept in this browser until you save it.</p>
      </div>
    </section>
  );
}

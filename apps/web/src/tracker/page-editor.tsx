import { Button, Group, Text, TextInput } from "@mantine/core";
import { IconFileText } from "@tabler/icons-react";
import type { PageDetail } from "@windshift/contract/api/page.ts";
import { TITLE_CHARS_MAX } from "@windshift/contract/limits.ts";
import { paths } from "../paths.ts";
import { MarkdownEditor } from "./markdown-editor.tsx";
import { PagePick } from "./page-pick.tsx";
import type { PageText } from "./page-text.ts";
import { TextConflict } from "./text-conflict.tsx";

/** Title and text of a document, with a preview and links to others. */
export function PageEditor({ page, text }: { page: PageDetail; text: PageText }) {
  const { draft, form, theirs } = text;
  if (draft === undefined) return null;
  const link = (id: number, title: string) => {
    const gap = draft.body === "" || /\s$/.test(draft.body) ? "" : " ";
    const name = title.replace(/[[\]\\]/g, "\\$&");
    text.change({ body: `${draft.body}${gap}[${name}](${paths.page(page.workspace, id)})` });
  };
  return (
    <section aria-label="Edit page" className="page-editor">
      <TextInput
        label="Title"
        maxLength={TITLE_CHARS_MAX}
        value={draft.title}
        onChange={(event) => text.change({ title: event.currentTarget.value })}
        error={form.fieldError("title")}
      />
      <MarkdownEditor
        label="Text of the page"
        value={draft.body}
        onChange={(body) => text.change({ body })}
        onSend={() => void text.save()}
        error={form.fieldError("body")}
        minRows={14}
        tools={
          <PagePick
            label="Link to a page"
            workspace={page.workspace}
            except={[page.id]}
            onPick={({ id, title }) => link(id, title)}
          >
            <IconFileText size={14} aria-hidden /> Link to a page
          </PagePick>
        }
      />
      {theirs !== undefined && (
        <TextConflict
          what="page"
          theirs={`${theirs.title}\n\n${theirs.body}`}
          mine={`${draft.title}\n\n${draft.body}`}
          busy={form.busy}
          onOverwrite={() => void text.overwrite()}
          onTakeTheirs={text.leave}
        />
      )}
      {form.problem !== undefined && (
        <Text role="alert" c="var(--mantine-color-error)" size="sm">
          {form.problem}
        </Text>
      )}
      <Group gap="xs" mt="xs">
        <Button size="compact-sm" loading={form.busy} onClick={() => void text.save()}>
          Save page
        </Button>
        <Button size="compact-sm" variant="default" onClick={text.leave}>
          Cancel
        </Button>
        <Text size="xs" c="dimmed">
          What you type is kept in this browser until you save it.
        </Text>
      </Group>
    </section>
  );
}

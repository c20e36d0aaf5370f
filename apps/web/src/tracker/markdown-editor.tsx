import { type KeyboardEvent, type ReactNode, useRef, useState } from "react";
import { GrowingText } from "../parts/growing-text.tsx";
import { Markdown } from "../parts/markdown.tsx";
import { Switcher } from "../parts/switcher.tsx";
import { MentionList, useMentions } from "./mention-list.tsx";

/** A field for Markdown with a preview, and, in a workspace, names that complete themselves after an `@`. */
export function MarkdownEditor(props: {
  label: string;
  value: string;
  onChange(text: string): void;
  /** Whose members and agents can be called; none without it. */
  workspace?: string;
  /** Ctrl or Cmd and Enter. */
  onSend?(): void;
  /** Escape. */
  onLeave?(): void;
  error?: string | undefined;
  minRows?: number;
  placeholder?: string;
  autoFocus?: boolean;
  /** Beside the switch between writing and preview. */
  tools?: ReactNode;
}) {
  const { label, value, onChange, workspace, onSend, onLeave } = props;
  const [preview, setPreview] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const mentions = useMentions(workspace, field, value, onChange);
  const press = (event: KeyboardEvent) => {
    if (mentions.press(event)) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      onSend?.();
    } else if (event.key === "Escape" && onLeave !== undefined) {
      event.preventDefault();
      event.stopPropagation();
      onLeave();
    }
  };
  return (
    <div className="editor">
      <div className="editor-head">
        <Switcher
          label={`${label}: write or preview`}
          value={preview ? "preview" : "write"}
          onChange={(mode) => setPreview(mode === "preview")}
          choices={[
            { value: "write", text: "Write" },
            { value: "preview", text: "Preview" },
          ]}
        />
        {!preview && props.tools}
      </div>
      {preview ? (
        <>
          <section className="editor-preview" aria-label={`Preview: ${label}`}>
            {value.trim() === "" ? (
              <p className="quiet">Nothing to preview yet.</p>
            ) : (
              <Markdown text={value} />
            )}
          </section>
          {props.error !== undefined && (
            <p role="alert" className="problem">
              {props.error}
            </p>
          )}
        </>
      ) : (
        <>
          <GrowingText
            ref={field}
            aria-label={label}
            value={value}
            onChange={(event) => {
              onChange(event.currentTarget.value);
              mentions.look();
            }}
            onKeyDown={press}
            onClick={mentions.look}
            onBlur={mentions.close}
            error={props.error}
            rowsMin={props.minRows ?? 3}
            rowsMax={24}
            placeholder={props.placeholder ?? "Markdown"}
            {...(props.autoFocus ? { "data-autofocus": true, autoFocus: true } : {})}
            {...mentions.fieldProps}
          />
          <MentionList mentions={mentions} />
        </>
      )}
    </div>
  );
}

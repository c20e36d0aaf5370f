import { Input } from "@mantine/core";
import { IconArrowBarToDown, IconArrowBarToUp, IconDownload, IconSearch } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { Button, ButtonLink } from "../../parts/button.tsx";

/** The server refuses longer ones. */
const QUERY_CHARS_MAX = 200;
const { root, wrapper, input, section } = Input.classes;

/** Above a transcript: what to search for, where to go, and how it is. Plain elements, as it stands on every page of an item. */
export function TranscriptBar(props: {
  /** Address of the whole as a file. */
  file: string;
  typed: string;
  onType(text: string): void;
  toStart(): void;
  toEnd(): void;
  /** Said at the end of the bar. */
  children: ReactNode;
}) {
  const { file, typed, onType, toStart, toEnd, children } = props;
  return (
    <div className="in-row transcript-bar">
      <div className={root}>
        <div className={`${wrapper} field field-xs`} data-variant="default" data-with-left-section>
          <div className={section} data-position="left">
            <IconSearch size={14} aria-hidden />
          </div>
          <input
            className={input}
            aria-label="Search the transcript"
            placeholder="Search the transcript"
            maxLength={QUERY_CHARS_MAX}
            value={typed}
            onChange={(event) => onType(event.currentTarget.value)}
          />
        </div>
      </div>
      <BarButton onClick={toStart} icon={IconArrowBarToUp} text="Start" />
      <BarButton onClick={toEnd} icon={IconArrowBarToDown} text="End" />
      <ButtonLink {...LOOK} href={file} download leftSection={<IconDownload size={14} aria-hidden />}>
        JSONL
      </ButtonLink>
      <p className="note transcript-note">{children}</p>
    </div>
  );
}

const LOOK = { size: "compact-sm", variant: "subtle", color: "gray" } as const;

function BarButton(props: { onClick(): void; icon: typeof IconArrowBarToUp; text: string }) {
  const { onClick, icon: Icon, text } = props;
  return (
    <Button {...LOOK} onClick={onClick} leftSection={<Icon size={14} aria-hidden />}>
      {text}
    </Button>
  );
}

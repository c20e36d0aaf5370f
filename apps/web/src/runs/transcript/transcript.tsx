import { Button, Group, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconArrowBarToDown, IconArrowBarToUp, IconDownload, IconSearch } from "@tabler/icons-react";
import type { AgentRun } from "@windshift/contract/api/run.ts";
import { isTerminal } from "@windshift/contract/run.ts";
import { useRef, useState } from "react";
import type { StreamState } from "../../api/event-stream.ts";
import { sayFailed } from "../../shell/notices.tsx";
import { useLiveTranscript } from "./live-transcript.ts";
import type { ShownEvent } from "./shown-event.ts";
import { TranscriptList, type TranscriptPlace } from "./transcript-list.tsx";
import { TranscriptSearch } from "./transcript-search.tsx";

/** A search begins when nothing was typed for so long, ms. */
const SEARCH_MS = 250;
/** The server refuses longer ones. */
const QUERY_CHARS_MAX = 200;

/** The story of a run, live while it goes on. */
export function Transcript(props: {
  run: AgentRun;
  onRun(run: AgentRun): void;
  onEvents(events: readonly ShownEvent[]): void;
}) {
  const { run, onRun, onEvents } = props;
  const live = !isTerminal(run.status);
  const { pages, problem, openAgain, stream } = useLiveTranscript(run.id, live, onRun, onEvents);
  const place = useRef<TranscriptPlace>(null);
  const opensAtEnd = useRef(live);
  const [typed, setTyped] = useState("");
  const [query] = useDebouncedValue(typed.trim(), SEARCH_MS);
  const [atEnd, setAtEnd] = useState(true);
  const jump = (eventId: number) => {
    pages.find(eventId).then((key) => {
      // The row is in the page after the next drawing.
      if (key !== undefined) requestAnimationFrame(() => place.current?.toRow(key));
    }, sayFailed);
  };
  return (
    <div className="transcript" data-stream={live ? stream : "ended"}>
      <Group gap="xs" className="transcript-bar">
        <TextInput
          size="xs"
          aria-label="Search the transcript"
          placeholder="Search the transcript"
          leftSection={<IconSearch size={14} aria-hidden />}
          maxLength={QUERY_CHARS_MAX}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
        <BarButton onClick={() => place.current?.toStart()} icon={IconArrowBarToUp} text="Start" />
        <BarButton onClick={() => place.current?.toEnd()} icon={IconArrowBarToDown} text="End" />
        <Button
          size="compact-sm"
          variant="subtle"
          color="gray"
          component="a"
          href={`/api/v1/agent-runs/${run.id}/transcript.jsonl`}
          download
          leftSection={<IconDownload size={14} aria-hidden />}
        >
          JSONL
        </Button>
        <Text size="xs" c="dimmed" className="transcript-note" component="p">
          <span role="status">{stateOf(live, stream, pages.opened)}</span>
          {pages.opened && run.transcript === "stored" && <span>{countOf(pages.events)}</span>}
        </Text>
      </Group>
      {run.transcript === "archived" && (
        <Text size="sm">This transcript was archived. Download it as JSONL to read it.</Text>
      )}
      {run.transcript === "deleted" && (
        <Text size="sm">This transcript was deleted: it was older than this installation keeps any.</Text>
      )}
      {query !== "" && <TranscriptSearch runId={run.id} query={query} onChoose={jump} />}
      {problem !== undefined && (
        <Group gap="xs">
          <Text size="sm">{problem.message}</Text>
          <Button size="compact-sm" variant="default" onClick={openAgain}>
            Try again
          </Button>
        </Group>
      )}
      {pages.rows > 0 && (
        <div className="transcript-frame">
          <TranscriptList
            pages={pages}
            label={`Transcript of run ${run.id}`}
            query={query}
            opensAtEnd={opensAtEnd.current}
            live={live}
            place={place}
            onEnd={setAtEnd}
          />
          {live && !atEnd && (
            <Button className="transcript-follow" size="compact-sm" onClick={() => place.current?.toEnd()}>
              Follow
            </Button>
          )}
        </div>
      )}
    </div>
  );
}

function BarButton(props: { onClick(): void; icon: typeof IconArrowBarToUp; text: string }) {
  const { onClick, icon: Icon, text } = props;
  return (
    <Button
      size="compact-sm"
      variant="subtle"
      color="gray"
      onClick={onClick}
      leftSection={<Icon size={14} aria-hidden />}
    >
      {text}
    </Button>
  );
}

function stateOf(live: boolean, stream: StreamState, opened: boolean): string {
  if (!opened) return "Loading…";
  if (!live) return "";
  return stream === "lost" ? "Connection lost; trying again…" : stream === "open" ? "Live" : "";
}

function countOf(events: number): string {
  if (events === 0) return "Nothing was recorded yet.";
  return `${events.toLocaleString("en-US")} ${events === 1 ? "event" : "events"}`;
}

import { Text } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import type { AgentRun } from "@windshift/contract/api/run.ts";
import { isTerminal } from "@windshift/contract/run.ts";
import { useDeferredValue, useRef, useState } from "react";
import type { StreamState } from "../../api/event-stream.ts";
import { Button } from "../../parts/button.tsx";
import { countText } from "../../parts/count-text.ts";
import { sayFailed } from "../../shell/notices.tsx";
import { useLiveTranscript } from "./live-transcript.ts";
import type { ShownEvent } from "./shown-event.ts";
import { TranscriptBar } from "./transcript-bar.tsx";
import { TranscriptList, type TranscriptPlace } from "./transcript-list.tsx";
import { TranscriptSearch } from "./transcript-search.tsx";

/** A search begins when nothing was typed for so long, ms. */
const SEARCH_MS = 250;

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
  // Rows that come after the first drawing are made bit by bit, while the page can be used; those that are there at first, at once.
  const hasRows = useDeferredValue(pages.rows > 0);
  const jump = (eventId: number) => {
    pages.find(eventId).then((key) => {
      // The row is in the page after the next drawing.
      if (key !== undefined) requestAnimationFrame(() => place.current?.toRow(key));
    }, sayFailed);
  };
  return (
    <div className="transcript" data-stream={live ? stream : "ended"}>
      <TranscriptBar
        file={`/api/v1/agent-runs/${run.id}/transcript.jsonl`}
        typed={typed}
        onType={setTyped}
        toStart={() => place.current?.toStart()}
        toEnd={() => place.current?.toEnd()}
      >
        <span role="status">{stateOf(live, stream, pages.opened)}</span>
        {pages.opened && run.transcript === "stored" && <span>{countOf(pages.events)}</span>}
      </TranscriptBar>
      {run.transcript === "archived" && (
        <Text size="sm">This transcript was archived. Download it as JSONL to read it.</Text>
      )}
      {run.transcript === "deleted" && (
        <Text size="sm">This transcript was deleted: it was older than this installation keeps any.</Text>
      )}
      {query !== "" && <TranscriptSearch runId={run.id} query={query} onChoose={jump} />}
      {problem !== undefined && (
        <div className="in-row">
          <Text size="sm">{problem.message}</Text>
          <Button size="compact-sm" variant="default" onClick={openAgain}>
            Try again
          </Button>
        </div>
      )}
      {hasRows && (
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

function stateOf(live: boolean, stream: StreamState, opened: boolean): string {
  if (!opened) return "Loading…";
  if (!live) return "";
  return stream === "lost" ? "Connection lost; trying again…" : stream === "open" ? "Live" : "";
}

function countOf(events: number): string {
  if (events === 0) return "Nothing was recorded yet.";
  return `${countText(events)} ${events === 1 ? "event" : "events"}`;
}

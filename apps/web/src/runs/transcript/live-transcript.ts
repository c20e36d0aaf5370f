import { useDocumentVisibility } from "@mantine/hooks";
import { AgentRun } from "@windshift/contract/api/run.ts";
import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { type StreamState, useEventStream } from "../../api/event-stream.ts";
import { takePrepared, transcriptOf } from "./prepared-transcript.ts";
import { ShownEvent } from "./shown-event.ts";
import type { TranscriptPages } from "./transcript-pages.ts";

/** Events are shown together this often, ms, so that a flood costs one layout and not thousands. */
const SHOW_MS = 40;

export interface LiveTranscript {
  pages: TranscriptPages;
  /** Why it could not be opened. */
  problem: Error | undefined;
  openAgain(): void;
  stream: StreamState;
}

/**
 * The transcript of a run, followed while the run lives. After a lost connection the stream goes on behind the newest event
 * that is here; a tab in the background gives its connection back, since a browser has six of them to a server.
 * @param onRun told what the server says of the run itself, when that changes
 * @param onEvents told what came, after it is shown
 */
export function useLiveTranscript(
  runId: number,
  live: boolean,
  onRun: (run: AgentRun) => void,
  onEvents: (events: readonly ShownEvent[]) => void,
): LiveTranscript {
  // biome-ignore lint/correctness/useExhaustiveDependencies: a run that ends keeps the transcript that was followed.
  const pages = useMemo(() => takePrepared(runId, live) ?? transcriptOf(runId), [runId]);
  useSyncExternalStore(pages.watch, () => pages.version);
  const { problem, openAgain } = useOpening(pages, live);
  const arrived = useShownTogether(pages, onEvents);
  const visible = useDocumentVisibility() !== "hidden";
  const { lastId } = pages;
  const follows = live && visible && lastId !== undefined;
  const stream = useEventStream(
    follows ? () => `/api/v1/agent-runs/${runId}/events/stream?after=${pages.lastId ?? lastId}` : undefined,
    STREAM_EVENTS,
    (name, data) => {
      const json: unknown = JSON.parse(data);
      if (name === "event") arrived(ShownEvent.parse(json));
      else onRun(AgentRun.parse(json));
    },
  );
  return { pages, problem, openAgain, stream: follows ? stream : "connecting" };
}

const STREAM_EVENTS = ["event", "run"] as const;

/** Opens at the end of what goes on, and at the start of what is over. */
function useOpening(pages: TranscriptPages, live: boolean) {
  const [problem, setProblem] = useState<Error>();
  const at = useRef<"start" | "end">("start");
  at.current = live ? "end" : "start";
  const openAgain = useCallback(() => {
    setProblem(undefined);
    pages.open(at.current).catch(setProblem);
  }, [pages]);
  useEffect(openAgain, [openAgain]);
  return { problem, openAgain };
}

function useShownTogether(pages: TranscriptPages, onEvents: (events: readonly ShownEvent[]) => void) {
  const waiting = useRef<ShownEvent[]>([]);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const told = useRef(onEvents);
  told.current = onEvents;
  useEffect(() => () => clearTimeout(timer.current), []);
  return useCallback(
    (event: ShownEvent) => {
      if (waiting.current.length === 0)
        timer.current = setTimeout(() => {
          const events = waiting.current;
          waiting.current = [];
          pages.append(events);
          told.current(events);
        }, SHOW_MS);
      waiting.current.push(event);
    },
    [pages],
  );
}

import { Button, Text, UnstyledButton } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { EventPage } from "@windshift/contract/api/run.ts";
import type { StoredEvent } from "@windshift/contract/event.ts";
import { getApi, queryString } from "../../api/api.ts";
import { visibleText } from "../../parts/visible-text.ts";
import { MarkedText } from "./marked-text.tsx";
import { terminalText } from "./terminal-text.ts";

/** Places that are shown at once, and characters around each. */
const FOUND_PAGE = 50;
const BEFORE_CHARS = 40;
const AROUND_CHARS = 160;

/** Where a text stands in the whole transcript, as the server finds it; each leads there. */
export function TranscriptSearch(props: { runId: number; query: string; onChoose(eventId: number): void }) {
  const { runId, query, onChoose } = props;
  const found = useInfiniteQuery({
    queryKey: ["run-search", runId, query],
    initialPageParam: 0,
    queryFn: ({ pageParam, signal }) =>
      getApi(
        `/api/v1/agent-runs/${runId}/events${queryString({ q: query, after: pageParam, limit: FOUND_PAGE })}`,
        EventPage,
        signal,
      ),
    getNextPageParam: ({ events, next_after }) => (events.length === FOUND_PAGE ? next_after : undefined),
  });
  const events = found.data?.pages.flatMap((page) => page.events) ?? [];
  const count = `${events.length}${found.hasNextPage ? " or more" : ""}`;
  return (
    <section className="transcript-search" aria-label="Found in the transcript">
      <Text size="sm" c="dimmed" role="status">
        {found.isPending && "Searching…"}
        {found.error?.message}
        {found.isSuccess && (events.length === 0 ? "Nothing was found." : `Found in ${count} events`)}
      </Text>
      <ul>
        {events.map((event) => (
          <li key={event.id}>
            <UnstyledButton className="transcript-hit" onClick={() => onChoose(event.id)}>
              <MarkedText text={excerpt(event, query)} query={query} />
            </UnstyledButton>
          </li>
        ))}
      </ul>
      {found.hasNextPage && (
        <Button
          size="compact-sm"
          variant="default"
          loading={found.isFetchingNextPage}
          onClick={() => found.fetchNextPage()}
        >
          Find more
        </Button>
      )}
    </section>
  );
}

function excerpt({ data }: StoredEvent, query: string): string {
  // Which call it belongs to says nothing to who reads.
  const { id: _call, ...said } = data;
  const text = visibleText(terminalText(textsIn(said).join(" "))).replace(/\s+/g, " ");
  const at = Math.max(0, text.toLowerCase().indexOf(query.toLowerCase()) - BEFORE_CHARS);
  return `${at > 0 ? "…" : ""}${text.slice(at, at + AROUND_CHARS)}`;
}

/** All texts inside a value that came as JSON. */
function textsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

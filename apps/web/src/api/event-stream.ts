import { useEffect, useRef, useState } from "react";

/** How the connection of a stream is; `ended` when the server said that nothing more comes. */
export type StreamState = "connecting" | "open" | "lost" | "ended";

/** Time before a lost stream is opened again, ms: doubled from the first to the last. */
const RECONNECT_MS_MIN = 500;
const RECONNECT_MS_MAX = 15_000;

/**
 * Reads server-sent events of a path as long as the component stands, and opens the stream again after a loss. While its tab is
 * hidden it gives the connection back, as browsers have only a few for all tabs of a site.
 * @param path undefined: no stream now. It is asked for anew at each connect, so it can carry where to go on.
 * @param names kinds of events to listen to
 */
export function useEventStream(
  path: (() => string) | undefined,
  names: readonly string[],
  onEvent: (name: string, data: string, id: string) => void,
): StreamState {
  const [state, setState] = useState<StreamState>("connecting");
  useEvents(path, names, onEvent, setState);
  return state;
}

/** The same for who shows nothing of the connection, and so is not drawn anew when it opens. @param onState told when it changes */
export function useEvents(
  path: (() => string) | undefined,
  names: readonly string[],
  onEvent: (name: string, data: string, id: string) => void,
  onState?: (state: StreamState) => void,
): void {
  const now = useRef({ path, onEvent, onState });
  now.current = { path, onEvent, onState };
  const active = path !== undefined;
  const key = names.join(" ");
  useEffect(() => {
    if (!active) return;
    return openStream(
      () => now.current.path?.() ?? "",
      key.split(" "),
      (state) => now.current.onState?.(state),
      (name, data, id) => now.current.onEvent(name, data, id),
    );
  }, [active, key]);
}

function openStream(
  address: () => string,
  names: readonly string[],
  tell: (state: StreamState) => void,
  onEvent: (name: string, data: string, id: string) => void,
): () => void {
  let source: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let waitMs = RECONNECT_MS_MIN;
  let over = false;
  const connect = () => {
    const opened = new EventSource(address());
    source = opened;
    opened.onopen = () => {
      waitMs = RECONNECT_MS_MIN;
      tell("open");
    };
    opened.onerror = () => {
      opened.close();
      tell("lost");
      timer = setTimeout(connect, waitMs);
      waitMs = Math.min(waitMs * 2, RECONNECT_MS_MAX);
    };
    opened.addEventListener("end", () => {
      over = true;
      opened.close();
      tell("ended");
    });
    for (const name of names)
      opened.addEventListener(name, (event) => onEvent(name, event.data, event.lastEventId));
  };
  const leave = () => {
    clearTimeout(timer);
    source?.close();
  };
  const turn = () => {
    leave();
    if (!document.hidden && !over) connect();
  };
  document.addEventListener("visibilitychange", turn);
  if (!document.hidden) connect();
  return () => {
    document.removeEventListener("visibilitychange", turn);
    leave();
  };
}

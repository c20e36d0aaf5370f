import { type PointerEvent, useEffect, useState } from "react";
import { onFirstUse } from "./first-use.ts";

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];
const relativeFormat = onFirstUse(() => new Intl.RelativeTimeFormat("en", { numeric: "auto" }));
/** How often shown times are made new, ms. */
const TICK_MS = 30_000;

/** A time as people say it, such as `5 minutes ago`; the exact one in its title, from when somebody points at it. */
export function TimeText({ at }: { at: string }) {
  const [nowMs, setNowMs] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }, []);
  return (
    <time dateTime={at} onPointerEnter={nameExactTime}>
      {relativeTime(Date.parse(at), nowMs)}
    </time>
  );
}

/** The first time that a browser writes out takes it as long as a hundred elements, and nobody reads a title before. */
export function nameExactTime({ currentTarget }: PointerEvent<HTMLTimeElement>): void {
  currentTarget.title = new Date(currentTarget.dateTime).toLocaleString();
}

/** A time as seen from now, in the largest unit that fits once, rounded: `3 minutes ago`, `tomorrow`; `just now` under the smallest. */
export function relativeTime(atMs: number, nowMs: number): string {
  const seconds = (atMs - nowMs) / 1_000;
  const unit = UNITS.find(([, size]) => Math.abs(seconds) >= size);
  if (unit === undefined) return "just now";
  return relativeFormat().format(Math.round(seconds / unit[1]), unit[0]);
}

/** A stretch of time, such as `1 h 5 min` or `12 s`. */
export function durationText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
  return minutes % 60 === 0
    ? `${Math.floor(minutes / 60)} h`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

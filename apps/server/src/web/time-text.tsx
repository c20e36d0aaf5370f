/** @jsxImportSource hono/jsx */
const FORMAT = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  timeZone: "UTC",
});

/** A time; the script turns it into "5 minutes ago" in the reader's own zone. */
export function Time({ at }: { at: string }) {
  const text = timeText(at);
  return (
    <time datetime={at} title={text}>
      {text}
    </time>
  );
}

/** A time as it stands, for one that is to come. */
export function timeText(at: string): string {
  return `${FORMAT.format(new Date(at))} UTC`;
}

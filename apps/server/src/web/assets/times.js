const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const UNITS = [
  ["minute", 60],
  ["hour", 3_600],
  ["day", 86_400],
];
/** Older than this many seconds, a date says more than a count of days. */
const RECENT_S = 14 * 86_400;

let ticking = false;

/** Writes times as people say them, and goes on doing so while the page is open. */
export function showTimes() {
  for (const time of document.querySelectorAll("time[datetime]")) {
    const date = new Date(time.dateTime);
    time.title = FULL.format(date);
    time.textContent = textOf(date);
  }
  if (!ticking) setInterval(showTimes, 30_000);
  ticking = true;
}

function textOf(date) {
  const ageS = (Date.now() - date.getTime()) / 1_000;
  if (ageS > RECENT_S) return FULL.format(date);
  if (ageS < 60) return "just now";
  const [unit, size] = UNITS.findLast(([, size]) => ageS >= size);
  return RELATIVE.format(-Math.floor(ageS / size), unit);
}

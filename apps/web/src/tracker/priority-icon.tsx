import type { Priority } from "@windshift/contract/api/work-item.ts";
import { PRIORITY_TEXT } from "./item-words.ts";

const BARS: Record<Priority, number> = { none: 0, low: 1, medium: 2, high: 3, urgent: 3 };

/** Three bars, as many of them full as the item is pressing; urgent ones stand on a field. */
export function PriorityIcon({ priority, named = false }: { priority: Priority; named?: boolean }) {
  return (
    <svg
      className={`priority-icon priority-${priority}`}
      viewBox="0 0 16 16"
      width="16"
      height="16"
      role="img"
      aria-label={PRIORITY_TEXT[priority]}
      aria-hidden={!named}
    >
      {priority === "urgent" ? (
        <>
          <rect x="1" y="1" width="14" height="14" rx="3" className="bar-full" />
          <path d="M8 4v5M8 11.2v.8" className="bar-mark" />
        </>
      ) : (
        [0, 1, 2].map((bar) => (
          <rect
            key={bar}
            x={2 + bar * 4.5}
            y={10 - bar * 3}
            width="3"
            height={4 + bar * 3}
            rx="1"
            className={bar < BARS[priority] ? "bar-full" : "bar-empty"}
          />
        ))
      )}
    </svg>
  );
}

import type { WorkItemStatus } from "@windshift/contract/api/work-item.ts";
import { STATUS_TEXT } from "./item-words.ts";

/** Radius of the ring, and around which it is drawn, in units of the 16 by 16 box. */
const MIDDLE = 8;
const RING = 6;
/** How much of the inside is filled: a pie that grows as the work does. */
const FILLED: Record<WorkItemStatus, number> = {
  todo: 0,
  in_progress: 0.5,
  in_review: 0.75,
  done: 1,
  canceled: 0,
};

/** The status as a small picture. It says its name only where no word stands beside it. */
export function StatusIcon({ status, named = false }: { status: WorkItemStatus; named?: boolean }) {
  return (
    <svg
      className={`status-icon status-${status}`}
      viewBox="0 0 16 16"
      width="16"
      height="16"
      role="img"
      aria-label={STATUS_TEXT[status]}
      aria-hidden={!named}
    >
      <circle cx={MIDDLE} cy={MIDDLE} r={RING} className="status-ring" />
      {FILLED[status] > 0 && FILLED[status] < 1 && <path d={pie(FILLED[status])} className="status-fill" />}
      {status === "done" && (
        <>
          <circle cx={MIDDLE} cy={MIDDLE} r={RING} className="status-fill" />
          <path d="M5.2 8.2l2 2 3.6-4" className="status-mark" />
        </>
      )}
      {status === "canceled" && <path d="M5.8 5.8l4.4 4.4M10.2 5.8l-4.4 4.4" className="status-ring" />}
    </svg>
  );
}

/** A slice from noon, clockwise. @param share of the whole, 0 to 1 */
function pie(share: number): string {
  const radius = RING - 2;
  const angle = 2 * Math.PI * share - Math.PI / 2;
  const x = MIDDLE + radius * Math.cos(angle);
  const y = MIDDLE + radius * Math.sin(angle);
  const large = share > 0.5 ? 1 : 0;
  return `M${MIDDLE} ${MIDDLE}V${MIDDLE - radius}A${radius} ${radius} 0 ${large} 1 ${x.toFixed(2)} ${y.toFixed(2)}Z`;
}

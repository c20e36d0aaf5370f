import { scrollAtEdges } from "./edge-scroll.ts";

/** A finger that rests so long lifts the card, ms: less is a tap or the start of a scroll. */
const LIFT_MS = 350;
/** A finger that moved further before is scrolling, px. */
const SLACK_PX = 8;
/** What the hand feels when the card is lifted, where the device can do that, ms. */
const BUZZ_MS = 12;

/** What becomes of a card in somebody's hand; columns by their `data-column`, undefined outside of all. */
export interface CardHand {
  lifted(card: string): void;
  over(card: string, column: string | undefined): void;
  dropped(card: string, column: string): void;
  /** Laid down outside of all columns, or taken from the hand by the system or a second finger. */
  kept(card: string): void;
}

/**
 * Cards (`.card` with a `[data-item]` inside) of a board are lifted by a finger that rests on one, and carried to a column. Until then
 * the finger scrolls and taps as everywhere. Nothing of it is state of the page: a list that is drawn anew meanwhile disturbs nothing.
 * @returns ends it, and puts back what is carried
 */
export function watchTouches(board: HTMLElement, hand: CardHand): () => void {
  let end: (() => void) | undefined;
  const start = (event: TouchEvent) => {
    end?.();
    const [touch, second] = event.touches;
    const card = event.target instanceof Element ? event.target.closest<HTMLElement>(".card") : null;
    // Buttons on a card are pressed, and a menu is no part of it.
    const other = event.target instanceof Element && event.target.closest("button, [popover]") !== null;
    if (touch === undefined || second !== undefined || card === null || other) return;
    end = holdCard(board, card, event.target as Element, touch, hand);
  };
  // Safari lets nobody keep a page from scrolling who did not listen before the finger came.
  const listens = () => undefined;
  board.addEventListener("touchstart", start, { passive: true });
  board.addEventListener("touchmove", listens, { passive: false });
  return () => {
    end?.();
    board.removeEventListener("touchstart", start);
    board.removeEventListener("touchmove", listens);
  };
}

/** From the finger's coming to its going. @returns ends it without a drop */
function holdCard(
  board: HTMLElement,
  card: HTMLElement,
  target: Element,
  { clientX, clientY }: Touch,
  hand: CardHand,
): () => void {
  const name = card.querySelector<HTMLElement>("[data-item]")?.dataset.item ?? "";
  const at = { x: clientX, y: clientY };
  // The touch goes on at what it began on, also when that is no longer in the page.
  const leave = new AbortController();
  let carried: CarriedCard | undefined;
  const timer = setTimeout(() => {
    carried = carryCard(board, card, at, (column) => hand.over(name, column));
    navigator.vibrate?.(BUZZ_MS);
    hand.lifted(name);
  }, LIFT_MS);
  const end = () => {
    clearTimeout(timer);
    leave.abort();
    card.draggable = draggable;
    if (carried === undefined) return;
    carried.layDown();
    carried = undefined;
    hand.kept(name);
  };
  const move = (event: TouchEvent) => {
    const touch = event.touches[0];
    if (touch === undefined || event.touches.length > 1) return end();
    if (carried === undefined) {
      if (Math.hypot(touch.clientX - clientX, touch.clientY - clientY) > SLACK_PX) end();
      return;
    }
    event.preventDefault();
    Object.assign(at, { x: touch.clientX, y: touch.clientY });
    carried.follow();
  };
  const drop = (event: TouchEvent) => {
    const column = carried?.column;
    // The link under the finger is not followed.
    if (carried !== undefined) event.preventDefault();
    if (carried === undefined || column === undefined) return end();
    carried.layDown();
    carried = undefined;
    end();
    hand.dropped(name, column);
  };
  const { signal } = leave;
  target.addEventListener("touchmove", move as EventListener, { passive: false, signal });
  target.addEventListener("touchend", drop as EventListener, { passive: false, signal });
  target.addEventListener("touchcancel", end, { signal });
  document.addEventListener("contextmenu", (event) => event.preventDefault(), { signal });
  // The browser has a way of its own to drag by touch, which would take the finger away.
  const { draggable } = card;
  card.draggable = false;
  return end;
}

interface CarriedCard {
  /** The column under the finger. */
  readonly column: string | undefined;
  follow(): void;
  layDown(): void;
}

/** A likeness of the card goes with the finger; the column under it is marked. */
function carryCard(
  board: HTMLElement,
  card: HTMLElement,
  at: { x: number; y: number },
  onColumn: (column: string | undefined) => void,
): CarriedCard {
  const { left, top, width } = card.getBoundingClientRect();
  const grip = { x: at.x - left, y: at.y - top };
  const likeness = card.cloneNode(true) as HTMLElement;
  likeness.classList.add("card-carried");
  likeness.ariaHidden = "true";
  likeness.inert = true;
  likeness.style.width = `${width}px`;
  for (const named of likeness.querySelectorAll("[id]")) named.removeAttribute("id");
  card.dataset.lifted = "";
  document.body.append(likeness);
  let over = card.closest<HTMLElement>("[data-column]") ?? undefined;
  const follow = () => {
    likeness.style.translate = `${at.x - grip.x}px ${at.y - grip.y}px`;
    const now = document.elementFromPoint(at.x, at.y)?.closest<HTMLElement>("[data-column]") ?? undefined;
    if (now === over) return;
    if (over !== undefined) delete over.dataset.over;
    over = now;
    if (over !== undefined) over.dataset.over = "";
    onColumn(over?.dataset.column);
  };
  follow();
  const rest = scrollAtEdges(board, () => at, follow);
  return {
    get column() {
      return over?.dataset.column;
    },
    follow,
    layDown: () => {
      rest();
      likeness.remove();
      delete card.dataset.lifted;
      if (over !== undefined) delete over.dataset.over;
    },
  };
}

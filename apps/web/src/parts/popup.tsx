import { type ComponentPropsWithRef, type RefObject, useEffect, useId, useRef, useState } from "react";
import { flushSync } from "react-dom";

/** Space between a button and what it opens, and between that and the edge of the window, px. */
const GAP_PX = 4;
const EDGE_PX = 8;

export interface Popup {
  open: boolean;
  close(): void;
  box: RefObject<HTMLDivElement | null>;
  /** For the button that opens it. */
  buttonProps: ComponentPropsWithRef<"button">;
  /** For the element that is opened; what is in it may be left out while `open` is false. */
  boxProps: ComponentPropsWithRef<"div">;
}

/**
 * What a button opens beside itself, in the layer that the browser keeps above everything else. The browser closes it by Escape
 * and by a press elsewhere and gives the focus back to the button.
 * @param align which edges of the two are in line
 * @param first where the focus goes when it opens
 */
export function usePopup(
  align: "start" | "end",
  first: (box: HTMLElement) => HTMLElement | null | undefined,
): Popup {
  const id = useId();
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return;
    const place = () => placeBeside(button.current, box.current, align);
    const watch = new ResizeObserver(place);
    if (box.current !== null) watch.observe(box.current);
    document.addEventListener("scroll", place, true);
    window.addEventListener("resize", place);
    return () => {
      watch.disconnect();
      document.removeEventListener("scroll", place, true);
      window.removeEventListener("resize", place);
    };
  }, [open, align]);
  return {
    open,
    close: () => box.current?.hidePopover(),
    box,
    buttonProps: { ref: button, type: "button", popoverTarget: id, "aria-expanded": open },
    boxProps: {
      ref: box,
      id,
      popover: "auto",
      onBeforeToggle: (event) => {
        if (event.newState !== "open") return;
        // What is in it has to stand before the browser shows it, which then focuses what bears this mark.
        flushSync(() => setOpen(true));
        first(event.currentTarget)?.setAttribute("autofocus", "");
      },
      onToggle: (event) => setOpen(event.newState === "open"),
    },
  };
}

/** Below the button, or above where there is more room, and never out of the window. */
function placeBeside(button: HTMLElement | null, box: HTMLElement | null, align: "start" | "end"): void {
  if (button === null || box === null) return;
  const at = button.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = box;
  const below = window.innerHeight - at.bottom - GAP_PX - EDGE_PX;
  const above = at.top - GAP_PX - EDGE_PX;
  const top =
    height <= below || below >= above ? at.bottom + GAP_PX : Math.max(EDGE_PX, at.top - GAP_PX - height);
  const left = align === "start" ? at.left : at.right - width;
  box.style.top = `${top}px`;
  box.style.left = `${Math.max(EDGE_PX, Math.min(left, window.innerWidth - width - EDGE_PX))}px`;
  box.style.maxHeight = `${window.innerHeight - top - EDGE_PX}px`;
}

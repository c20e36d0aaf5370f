import { type MouseEvent, type ReactNode, useId, useLayoutEffect, useRef } from "react";

/**
 * A dialog over the page, there as long as it stands. The browser keeps the focus in it, gives it back to what had it before,
 * and closes it by Escape; a press beside it closes it too. `data-autofocus` marks what has the focus first.
 */
export function Dialog(props: {
  title: string;
  /** Shows no head of its own; the title is its name only. */
  bare?: boolean;
  size?: "md" | "lg";
  onClose(): void;
  children: ReactNode;
}) {
  const { title, bare = false, size = "md", onClose, children } = props;
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  // In the step of drawing, as the focus goes back only to what is still on the page.
  useLayoutEffect(() => {
    const { current } = dialog;
    if (current === null) return;
    current.querySelector("[data-autofocus]")?.setAttribute("autofocus", "");
    current.showModal();
    return () => current.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      className={`dialog dialog-${size}`}
      {...(bare ? { "aria-label": title } : { "aria-labelledby": titleId })}
      onCancel={(event) => {
        if (event.target !== event.currentTarget) return;
        event.preventDefault();
        onClose();
      }}
      onMouseDown={(event) => isBeside(event) && onClose()}
    >
      {!bare && (
        <div className="dialog-head">
          <h2 id={titleId}>{title}</h2>
          <button type="button" className="icon-button" aria-label="Close" onClick={onClose}>
            <span aria-hidden>✕</span>
          </button>
        </div>
      )}
      {children}
    </dialog>
  );
}

/** The ground behind a dialog is part of its element. */
function isBeside({ target, currentTarget, clientX, clientY }: MouseEvent): boolean {
  if (target !== currentTarget) return false;
  const { left, right, top, bottom } = currentTarget.getBoundingClientRect();
  return clientX < left || clientX > right || clientY < top || clientY > bottom;
}

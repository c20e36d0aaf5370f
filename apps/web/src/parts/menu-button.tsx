import { type KeyboardEvent, type ReactNode, useRef } from "react";
import { AppLink } from "./app-link.tsx";
import { usePopup } from "./popup.tsx";

/** A line of a menu. `stays`: the menu stays open after it was pressed. */
export type MenuLine =
  | { kind: "label"; text: string }
  | { kind: "line" }
  | { kind: "do"; text: ReactNode; run(): void }
  | { kind: "go"; text: ReactNode; to: string }
  | { kind: "radio" | "check"; text: ReactNode; on: boolean; run(): void; stays?: boolean };

/** Letters typed one after the other belong to one word, ms. */
const TYPING_MS = 600;

/** A button that opens a menu. The lines are asked for when it opens. */
export function MenuButton(props: {
  /** Accessible name where the button shows no words, or not all. */
  label?: string;
  /** Accessible name of the menu; that of the button by itself. */
  menuLabel?: string;
  className?: string;
  align?: "start" | "end";
  id?: string;
  lines(): readonly MenuLine[];
  children: ReactNode;
}) {
  const { label, menuLabel, className = "pick", align = "start", id, lines, children } = props;
  const popup = usePopup(align, (box) => {
    const all = itemsIn(box);
    return all.find((item) => item.ariaChecked === "true" && item.role === "menuitemradio") ?? all[0];
  });
  const press = useMenuKeys(popup.close);
  return (
    <>
      <button
        {...popup.buttonProps}
        className={className}
        aria-haspopup="menu"
        {...(label === undefined ? {} : { "aria-label": label })}
        {...(id === undefined ? {} : { "data-pick": id })}
        onKeyDown={(event) => {
          if (event.key !== "ArrowDown" || popup.open) return;
          event.preventDefault();
          popup.box.current?.showPopover();
        }}
      >
        {children}
      </button>
      <div
        {...popup.boxProps}
        role="menu"
        className="popup menu-lines"
        onKeyDown={press}
        {...(menuLabel === undefined && label === undefined ? {} : { "aria-label": menuLabel ?? label })}
      >
        {popup.open &&
          lines().map((line, index) => <Line key={keyOf(line, index)} line={line} close={popup.close} />)}
      </div>
    </>
  );
}

function Line({ line, close }: { line: MenuLine; close(): void }) {
  if (line.kind === "label") return <div className="menu-label">{line.text}</div>;
  if (line.kind === "line") return <hr className="menu-rule" />;
  const shape = { className: "menu-line", tabIndex: -1 };
  if (line.kind === "go")
    return (
      <AppLink {...shape} role="menuitem" href={line.to} onClick={close}>
        {line.text}
      </AppLink>
    );
  const stays = "stays" in line && line.stays === true;
  const checked = line.kind === "do" ? {} : { "aria-checked": line.on };
  return (
    <button
      {...shape}
      type="button"
      role={line.kind === "do" ? "menuitem" : line.kind === "radio" ? "menuitemradio" : "menuitemcheckbox"}
      {...checked}
      onClick={() => {
        // First closed, so that a dialog which opens now keeps the focus it takes.
        if (!stays) close();
        line.run();
      }}
    >
      <span className="menu-text">{line.text}</span>
      {line.kind !== "do" && line.on && <span aria-hidden>✓</span>}
    </button>
  );
}

function keyOf(line: MenuLine, index: number): string {
  return `${index}${line.kind}`;
}

function itemsIn(box: HTMLElement): HTMLElement[] {
  return [...box.querySelectorAll<HTMLElement>('[role^="menuitem"]')];
}

/** Arrows, Home and End walk, letters go to the next line that begins so, Tab leaves. */
function useMenuKeys(close: () => void): (event: KeyboardEvent<HTMLElement>) => void {
  const typed = useRef({ text: "", atMs: 0 });
  return (event) => {
    const all = itemsIn(event.currentTarget);
    const at = all.findIndex((item) => item.matches(":focus"));
    const to = (index: number) => {
      event.preventDefault();
      all[(index + all.length) % all.length]?.focus();
    };
    if (event.key === "ArrowDown") to(at + 1);
    else if (event.key === "ArrowUp") to(at - 1);
    else if (event.key === "Home") to(0);
    else if (event.key === "End") to(-1);
    else if (event.key === "Tab") close();
    else if (event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey) {
      const nowMs = performance.now();
      const { text, atMs } = typed.current;
      const word = (nowMs - atMs < TYPING_MS ? text : "") + event.key.toLowerCase();
      typed.current = { text: word, atMs: nowMs };
      const begins = (item: HTMLElement) => (item.textContent ?? "").trim().toLowerCase().startsWith(word);
      const next = [...all.slice(at + (word.length > 1 ? 0 : 1)), ...all].find(begins);
      if (next !== undefined) to(all.indexOf(next));
    }
  };
}

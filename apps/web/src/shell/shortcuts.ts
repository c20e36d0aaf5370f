import { useEffect, useRef } from "react";

/** A key that does something on the page that is open. */
export interface Shortcut {
  /** A key as the browser names it, `mod+k` for Ctrl or Cmd, or two keys one after the other: `g i`. */
  keys: string;
  /** What it does, as the help says it. */
  does: string;
  /** Under which heading the help lists it. */
  group: string;
  run(): void;
}

/** How long the second key of two may take, ms. */
const SEQUENCE_MS = 1_200;
const OFF = "shortcuts-off";

const registered: (readonly Shortcut[])[] = [];

/** Makes keys work as long as the component stands; the ones that came last win. */
export function useShortcuts(shortcuts: readonly Shortcut[]): void {
  const latest = useRef(shortcuts);
  latest.current = shortcuts;
  const shape = shortcuts.map(({ keys }) => keys).join(",");
  // biome-ignore lint/correctness/useExhaustiveDependencies: the keys change only with their shape; what they do is read when pressed.
  useEffect(() => {
    const live = latest.current.map((shortcut, index) => ({
      ...shortcut,
      run: () => latest.current[index]?.run(),
    }));
    registered.push(live);
    return () => {
      registered.splice(registered.indexOf(live), 1);
    };
  }, [shape]);
}

/** What works on the page that is open, each key once. */
export function listShortcuts(): Shortcut[] {
  const byKeys = new Map<string, Shortcut>();
  for (const shortcut of registered.flat()) byKeys.set(shortcut.keys, shortcut);
  return [...byKeys.values()];
}

/** Keys without Ctrl or Cmd can be switched off by those who press them by accident, by speech input for instance. */
export function areLettersOn(): boolean {
  return localStorage.getItem(OFF) === null;
}

/** Keeps the choice in this browser, for whoever uses it. */
export function switchLetters(on: boolean): void {
  if (on) localStorage.removeItem(OFF);
  else localStorage.setItem(OFF, "1");
}

/** Listens for the keys of the whole app. */
export function useShortcutKeys(): void {
  useEffect(() => {
    let first = "";
    let firstAtMs = 0;
    const press = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing || event.altKey) return;
      const mod = event.ctrlKey || event.metaKey;
      if (!mod && (!areLettersOn() || isTyping(event.target))) return;
      const key = mod ? `mod+${event.key.toLowerCase()}` : event.key;
      const pair = performance.now() - firstAtMs < SEQUENCE_MS ? `${first} ${key}` : key;
      first = "";
      const found = find(pair) ?? find(key);
      if (found !== undefined) {
        event.preventDefault();
        found.run();
      } else if (listShortcuts().some(({ keys }) => keys.startsWith(`${key} `))) {
        first = key;
        firstAtMs = performance.now();
      }
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
}

function find(keys: string): Shortcut | undefined {
  return registered
    .flat()
    .reverse()
    .find((shortcut) => shortcut.keys === keys);
}

/** A letter belongs to the field, menu or dialog it is pressed in. */
function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof Element &&
    target.closest(
      "input:not([type=checkbox]), textarea, select, [contenteditable], dialog, [role=dialog], [role=menu], [role=listbox]",
    ) !== null
  );
}

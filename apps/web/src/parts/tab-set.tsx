import { Tabs, UnstyledButton } from "@mantine/core";
import { type KeyboardEvent, type ReactNode, useId, useRef, useState } from "react";

const { root, list, tab: tabClass, tabLabel } = Tabs.classes;
const TAB = `mantine-focus-auto ${UnstyledButton.classes.root} ${tabClass} ${Tabs.classes["tab--default"]}`;

interface Tab {
  name: string;
  text: string;
  /** What is shown while the tab is chosen; made only then. */
  panel(): ReactNode;
}

/** Tabs of which one is shown; arrows, Home and End choose another, as they do among the tabs of the browser's own. */
export function TabSet({ tabs, className }: { tabs: readonly [Tab, ...Tab[]]; className: string }) {
  const id = useId();
  const [chosen, setChosen] = useState(tabs[0].name);
  const bar = useRef<HTMLDivElement>(null);
  // What was chosen may have gone.
  const shown = tabs.find(({ name }) => name === chosen) ?? tabs[0];
  const press = (event: KeyboardEvent) => {
    const at = placeAfter(event.key, tabs.indexOf(shown), tabs.length);
    const next = at === undefined ? undefined : tabs[at];
    if (next === undefined || at === undefined) return;
    event.preventDefault();
    setChosen(next.name);
    const button = bar.current?.children[at];
    if (button instanceof HTMLElement) button.focus();
  };
  return (
    <div className={`${root} tab-set ${className}`} data-variant="default" data-orientation="horizontal">
      <div ref={bar} role="tablist" className={`${list} ${Tabs.classes["list--default"]}`} onKeyDown={press}>
        {tabs.map(({ name, text }) => (
          <button
            key={name}
            type="button"
            role="tab"
            id={`${id}-${name}`}
            className={TAB}
            aria-selected={name === shown.name}
            aria-controls={name === shown.name ? `${id}-panel` : undefined}
            data-active={name === shown.name || undefined}
            tabIndex={name === shown.name ? 0 : -1}
            onClick={() => setChosen(name)}
          >
            <span className={tabLabel}>{text}</span>
          </button>
        ))}
      </div>
      <div key={shown.name} role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${shown.name}`}>
        {shown.panel()}
      </div>
    </div>
  );
}

function placeAfter(key: string, at: number, count: number): number | undefined {
  switch (key) {
    case "ArrowRight":
      return (at + 1) % count;
    case "ArrowLeft":
      return (at + count - 1) % count;
    case "Home":
      return 0;
    case "End":
      return count - 1;
    default:
      return undefined;
  }
}

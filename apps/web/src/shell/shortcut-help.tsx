import { Kbd, Switch } from "@mantine/core";
import { useState } from "react";
import { Dialog } from "../parts/dialog.tsx";
import { closeOverlay } from "./overlay.ts";
import { areLettersOn, listShortcuts, type Shortcut, switchLetters } from "./shortcuts.ts";

const MAC = navigator.platform.startsWith("Mac");

/** Every key that works on the page below. */
export function ShortcutHelp() {
  const [shortcuts] = useState(listShortcuts);
  const [letters, setLetters] = useState(areLettersOn);
  const groups = [...new Set(shortcuts.map(({ group }) => group))];
  const change = (on: boolean) => {
    switchLetters(on);
    setLetters(on);
  };
  return (
    <Dialog title="Keyboard shortcuts" size="lg" onClose={closeOverlay}>
      <div className="shortcut-groups">
        {groups.map((group) => (
          <section key={group} aria-label={group}>
            <h2 className="shortcut-heading">{group}</h2>
            <dl className="shortcut-list">
              {shortcuts.filter((one) => one.group === group).map(shortcutLine)}
            </dl>
          </section>
        ))}
      </div>
      <Switch
        mt="md"
        checked={letters}
        onChange={(event) => change(event.currentTarget.checked)}
        label="Single keys work"
        description="Switch them off if they are pressed by accident, by speech input for instance."
      />
    </Dialog>
  );
}

function shortcutLine({ keys, does }: Shortcut) {
  return (
    <div key={keys} className="shortcut-line">
      <dt>{does}</dt>
      <dd>
        {keys.split(" ").map((key, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: both keys of a pair may be the same.
          <Kbd key={index}>{keyName(key)}</Kbd>
        ))}
      </dd>
    </div>
  );
}

const NAMES: Record<string, string> = { Escape: "Esc", ArrowLeft: "←", ArrowRight: "→" };

function keyName(key: string): string {
  const mod = key.startsWith("mod+");
  const plain = mod ? key.slice("mod+".length) : key;
  const name = NAMES[plain] ?? (mod ? plain.toUpperCase() : plain);
  return mod ? `${MAC ? "⌘" : "Ctrl"} ${name}` : name;
}

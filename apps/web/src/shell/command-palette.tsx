import { Combobox, Kbd, useCombobox } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import {
  IconActivity,
  IconChecklist,
  IconFileText,
  IconInbox,
  IconKeyboard,
  IconLayoutKanban,
  IconPlayerPlay,
  IconPlus,
  IconSettings,
  IconUser,
} from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import type { Me } from "@windshift/contract/api/user.ts";
import { WorkItemKey } from "@windshift/contract/ids.ts";
import { type ReactNode, useEffect, useState } from "react";
import { useMe } from "../api/me.ts";
import { Dialog } from "../parts/dialog.tsx";
import { paths } from "../paths.ts";
import { itemSearchQuery } from "../tracker/item-queries.ts";
import { pageSearchQuery } from "../tracker/page-queries.ts";
import { StatusIcon } from "../tracker/status-icon.tsx";
import { useHere } from "./here.ts";
import { closeOverlay, openOverlay } from "./overlay.ts";

/** What the palette offers. */
interface Command {
  id: string;
  text: string;
  /** Stands before the text, in grey: a key, a workspace. */
  lead?: string;
  icon: ReactNode;
  group: "Go to" | "Do" | "Work items" | "Pages";
  run(): void;
}

/** How long the palette waits for more letters before it asks the server, ms. */
const TYPING_MS = 150;

/** One field from which everything is reached: items by key or words, documents, places of the app, and what can be done. */
export function CommandPalette() {
  return (
    <Dialog title={NAME} bare size="lg" onClose={closeOverlay}>
      <Palette />
    </Dialog>
  );
}

const NAME = "Find or do something";

function Palette() {
  const [text, setText] = useState("");
  const commands = useCommands(text.trim());
  const box = useCombobox({ opened: true, onOpenedChange: (open) => open || closeOverlay() });
  const count = commands.length;
  // The field says which list it is for; the list tells its id only once it stands.
  const [, setStands] = useState(false);
  useEffect(() => setStands(true), []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what comes later takes the place of what was there.
  useEffect(() => {
    box.selectFirstOption();
  }, [text, count]);
  const run = (id: string) => {
    closeOverlay();
    commands.find((command) => command.id === id)?.run();
  };
  return (
    <>
      <Combobox store={box} onOptionSubmit={run} withinPortal={false}>
        <Combobox.EventsTarget withExpandedAttribute>
          <input
            className="palette-field"
            placeholder="Find an item, a page, a place, or something to do"
            aria-label={NAME}
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
            data-autofocus
          />
        </Combobox.EventsTarget>
        <Combobox.Options id="palette-list" aria-label="What was found" className="palette-options">
          {(["Work items", "Pages", "Do", "Go to"] as const).map((group) => {
            const some = commands.filter((command) => command.group === group);
            return some.length === 0 ? null : (
              <Combobox.Group key={group} label={group}>
                {some.map(commandLine)}
              </Combobox.Group>
            );
          })}
          {count === 0 && <Combobox.Empty>Nothing found for “{text.trim()}”</Combobox.Empty>}
        </Combobox.Options>
      </Combobox>
      <p className="palette-foot">
        <Kbd>↑</Kbd> <Kbd>↓</Kbd> choose <Kbd>Enter</Kbd> open <Kbd>Esc</Kbd> close
      </p>
    </>
  );
}

function commandLine(command: Command) {
  return (
    <Combobox.Option key={command.id} value={command.id}>
      <span className="palette-line">
        {command.icon}
        {command.lead !== undefined && <span className="item-key">{command.lead}</span>}
        <span className="palette-text">{command.text}</span>
      </span>
    </Combobox.Option>
  );
}

function useCommands(text: string): Command[] {
  const me = useMe();
  const { workspace, role } = useHere();
  const navigate = useNavigate();
  const go = (to: string) => void navigate({ to });
  const [asked] = useDebouncedValue(text, TYPING_MS);
  const search = asked !== "" && text !== "";
  const items = useQuery({ ...itemSearchQuery("all", asked), enabled: search }).data?.items ?? [];
  const pages =
    useQuery({ ...pageSearchQuery(workspace ?? "", asked), enabled: search && workspace !== undefined }).data
      ?.pages ?? [];
  const words = text.toLowerCase();
  const fixed = [...doings(workspace, role), ...places(me, go)].filter((command) =>
    command.text.toLowerCase().includes(words),
  );
  if (!search) return fixed;
  return [...byKey(text, items, go), ...foundItems(items, go), ...foundPages(pages, go), ...fixed];
}

/** A key leads to its item even when no search has found it. */
function byKey(text: string, items: readonly { key: string }[], go: (to: string) => void): Command[] {
  const key = WorkItemKey.safeParse(text.toUpperCase());
  if (!key.success || items.some((item) => item.key === key.data)) return [];
  return [
    {
      id: `key ${key.data}`,
      text: `Open ${key.data}`,
      icon: <IconChecklist size={16} aria-hidden />,
      group: "Work items",
      run: () => go(paths.item(key.data)),
    },
  ];
}

function foundItems(
  items: readonly { key: string; title: string; status: Parameters<typeof StatusIcon>[0]["status"] }[],
  go: (to: string) => void,
): Command[] {
  return items.map(({ key, title, status }) => ({
    id: `item ${key}`,
    lead: key,
    text: title,
    icon: <StatusIcon status={status} />,
    group: "Work items",
    run: () => go(paths.item(key)),
  }));
}

function foundPages(
  pages: readonly { id: number; title: string; workspace: string }[],
  go: (to: string) => void,
): Command[] {
  return pages.map(({ id, title, workspace }) => ({
    id: `page ${id}`,
    text: title,
    icon: <IconFileText size={16} aria-hidden />,
    group: "Pages",
    run: () => go(paths.page(workspace, id)),
  }));
}

function doings(workspace: string | undefined, role: string | undefined): Command[] {
  const create: Command = {
    id: "create item",
    text: "Create a work item",
    icon: <IconPlus size={16} aria-hidden />,
    group: "Do",
    run: () => openOverlay({ kind: "new-item", ...(workspace === undefined ? {} : { workspace }) }),
  };
  const keys: Command = {
    id: "shortcuts",
    text: "Show keyboard shortcuts",
    icon: <IconKeyboard size={16} aria-hidden />,
    group: "Do",
    run: () => openOverlay({ kind: "shortcuts" }),
  };
  return role === undefined || role === "viewer" ? [keys] : [create, keys];
}

function places(me: Me, go: (to: string) => void): Command[] {
  const place = (text: string, to: string, Icon: typeof IconUser, lead?: string): Command => ({
    id: `go ${to}`,
    text,
    ...(lead === undefined ? {} : { lead }),
    icon: <Icon size={16} aria-hidden />,
    group: "Go to",
    run: () => go(to),
  });
  return [
    place("My work", paths.myWork, IconUser),
    place("Inbox", paths.inbox, IconInbox),
    ...me.workspaces.flatMap(({ key, name, role }) => [
      place(`${name}: work items`, paths.items(key), IconChecklist, key),
      place(`${name}: board`, paths.board(key), IconLayoutKanban, key),
      place(`${name}: pages`, paths.pages(key), IconFileText, key),
      place(`${name}: runs`, paths.runs(key), IconPlayerPlay, key),
      place(`${name}: activity`, paths.activity(key), IconActivity, key),
      ...(role === "admin" ? [place(`${name}: settings`, paths.settings(key), IconSettings, key)] : []),
    ]),
    place("Account", paths.account, IconUser),
  ];
}

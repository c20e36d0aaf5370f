import { Burger, Button, AppShell as Frame, Group, Text, VisuallyHidden } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { Link, Outlet, useLocation } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { paths } from "../paths.ts";
import { ConnectionBanner } from "./connection-banner.tsx";
import { MainMenu } from "./main-menu.tsx";
import { Mark } from "./mark.tsx";
import { openOverlay } from "./overlay.ts";
import { Overlays } from "./overlays.tsx";
import { PersonMenu } from "./person-menu.tsx";

const MENU_WIDTH_PX = 232;
const BAR_HEIGHT_PX = 48;

/** What stands around every page of somebody who is signed in. */
export function AppShell() {
  const [open, { toggle, close }] = useDisclosure(false);
  const { pathname } = useLocation();
  const main = useRef<HTMLElement>(null);
  const before = useRef(pathname);
  useEffect(() => {
    close();
    // A new page begins at its top for the keyboard and for screen readers too.
    if (before.current !== pathname) main.current?.focus({ preventScroll: true });
    before.current = pathname;
  }, [pathname, close]);
  return (
    <Frame
      header={{ height: BAR_HEIGHT_PX }}
      navbar={{ width: MENU_WIDTH_PX, breakpoint: "sm", collapsed: { mobile: !open } }}
      padding="md"
    >
      <a className="skip" href="#main">
        Skip to content
      </a>
      <Frame.Header className="bar">
        <Group h="100%" px="sm" gap="xs" wrap="nowrap" justify="space-between">
          <Group gap="xs" wrap="nowrap">
            <Burger
              opened={open}
              onClick={toggle}
              hiddenFrom="sm"
              size="sm"
              aria-label={open ? "Close the menu" : "Open the menu"}
              aria-expanded={open}
            />
            <Link to={paths.myWork} className="brand">
              <Mark />
              <Text component="span" fw={600}>
                Windshift
              </Text>
              <VisuallyHidden>, my work</VisuallyHidden>
            </Link>
          </Group>
          <Group gap={4} wrap="nowrap">
            <Button
              variant="subtle"
              color="gray"
              size="compact-sm"
              className="bar-search"
              aria-label="Search"
              onClick={() => openOverlay({ kind: "palette" })}
            >
              <IconSearch size={16} aria-hidden />
              <Text component="span" size="sm" visibleFrom="sm" ml={6}>
                Search
              </Text>
            </Button>
            <PersonMenu />
          </Group>
        </Group>
      </Frame.Header>
      <Frame.Navbar className="menu" aria-label="Main">
        <MainMenu />
      </Frame.Navbar>
      <Frame.Main ref={main} id="main" tabIndex={-1} className="main">
        <ConnectionBanner />
        <Outlet />
      </Frame.Main>
      <Overlays />
    </Frame>
  );
}

import { IconMenu2, IconSearch, IconX } from "@tabler/icons-react";
import { Outlet, useLocation } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { AppLink } from "../parts/app-link.tsx";
import { paths } from "../paths.ts";
import { ConnectionBanner } from "./connection-banner.tsx";
import { MainMenu } from "./main-menu.tsx";
import { Mark } from "./mark.tsx";
import { openOverlay } from "./overlay.ts";
import { Overlays } from "./overlays.tsx";
import { PersonMenu } from "./person-menu.tsx";

/** What stands around every page of somebody who is signed in. On a narrow screen the menu lies over the page when it is open. */
export function AppShell() {
  const [open, setOpen] = useState(false);
  const { pathname } = useLocation();
  const main = useRef<HTMLElement>(null);
  const before = useRef(pathname);
  useEffect(() => {
    setOpen(false);
    // A new page begins at its top for the keyboard and for screen readers too.
    if (before.current !== pathname) main.current?.focus({ preventScroll: true });
    before.current = pathname;
  }, [pathname]);
  return (
    <div className="frame" {...(open ? { "data-menu-open": true } : {})}>
      <a className="skip" href="#main">
        Skip to content
      </a>
      <header className="bar">
        <button
          type="button"
          className="icon-button bar-menu"
          onClick={() => setOpen(!open)}
          aria-label={open ? "Close the menu" : "Open the menu"}
          aria-expanded={open}
          aria-controls="main-menu"
        >
          {open ? <IconX size={18} aria-hidden /> : <IconMenu2 size={18} aria-hidden />}
        </button>
        <AppLink href={paths.myWork} className="brand">
          <Mark />
          <b>Windshift</b>
          <span className="sr-only">, my work</span>
        </AppLink>
        <button
          type="button"
          className="pick bar-search"
          aria-label="Search"
          onClick={() => openOverlay({ kind: "palette" })}
        >
          <IconSearch size={16} aria-hidden />
          <span className="bar-word">Search</span>
        </button>
        <PersonMenu />
      </header>
      <nav className="menu" id="main-menu" aria-label="Main">
        <MainMenu />
      </nav>
      <main ref={main} id="main" tabIndex={-1} className="main">
        <ConnectionBanner />
        <Outlet />
      </main>
      <Overlays />
    </div>
  );
}

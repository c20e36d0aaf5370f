/** @jsxImportSource hono/jsx */
import type { Child } from "hono/jsx";

export interface Crumb {
  text: string;
  href?: string;
}

/** Every page: head, top bar, and the content. `person` is undefined on pages that are open to all. */
export function Layout(props: {
  title: string;
  person?: { name: string };
  crumbs?: readonly Crumb[];
  children?: Child;
}) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{props.title} · Windshift</title>
        <link rel="icon" href="/assets/icon.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="/assets/app.css" />
        <script type="module" src="/assets/app.js"></script>
      </head>
      <body>
        <a class="skip" href="#main">
          Skip to content
        </a>
        <header class="bar">
          <a class="brand" href="/" aria-label="Windshift, your work items">
            <Mark />
            <span class="brand-name">Windshift</span>
          </a>
          <nav class="crumbs" aria-label="Breadcrumb">
            <ol>
              {(props.crumbs ?? []).map((crumb) => (
                <li>
                  {crumb.href === undefined ? (
                    <span aria-current="page">{crumb.text}</span>
                  ) : (
                    <a href={crumb.href}>{crumb.text}</a>
                  )}
                </li>
              ))}
            </ol>
          </nav>
          {props.person && <SignedIn name={props.person.name} />}
        </header>
        <main id="main" tabindex={-1}>
          {props.children}
        </main>
        <div id="announcer" class="hidden" aria-live="polite"></div>
      </body>
    </html>
  );
}

function SignedIn({ name }: { name: string }) {
  return (
    <form class="me" method="post" data-api="/api/auth/sign-out" data-then="/login">
      <span class="me-name" title={name}>
        {name}
      </span>
      <button type="submit" class="quiet">
        Sign out
      </button>
    </form>
  );
}

/** Two gusts and a turn: the mark of the product. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 24 24" width="22" height="22" aria-hidden="true" focusable="false">
      <path d="M3 9h11a3 3 0 1 0-3-3" />
      <path d="M3 14h14.5a2.8 2.8 0 1 1-2.8 2.8" />
      <path d="M3 19h6" />
    </svg>
  );
}

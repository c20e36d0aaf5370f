import "./styles/base.css";
import "@mantine/core/styles.layer.css";
import "./styles/app.css";
import "./styles/runs.css";
import "./styles/transcript.css";
import "./styles/pull-requests.css";
import "./styles/settings.css";
import "./styles/tracker.css";
import "./styles/lists.css";
import "./styles/item.css";
import "./styles/documents.css";
import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { ApiError } from "./api/api.ts";
import { queryClient } from "./api/query-client.ts";
import { router } from "./router.tsx";
import { NoticeStack } from "./shell/notices.tsx";
import { theme } from "./shell/theme.ts";

/** Styles that Mantine adds while it runs carry it; the policy of the page lets in no others. */
const styleNonce = document.querySelector<HTMLMetaElement>('meta[name="style-nonce"]')?.content ?? "";
// Dialogs keep the page behind them from scrolling by a style of their own, whose library looks for the word here.
Object.assign(globalThis, { __webpack_nonce__: styleNonce });
/**
 * How long the page stays empty while what it shows first is read, ms: most often it is there at once, and the page is drawn once.
 * After that it shows its frame and that it is loading.
 */
const EMPTY_MS_MAX = 1_000;
const root = document.getElementById("app");
if (root === null) throw new Error("the page has no place for the app");
const first = router.load().catch(reportError);
void Promise.race([first, new Promise((resolve) => setTimeout(resolve, EMPTY_MS_MAX))]).then(() =>
  draw(root),
);

function draw(place: HTMLElement): void {
  createRoot(place, {
    // What the server refuses is said on the page; everything else is a fault of ours.
    onCaughtError: (error) => {
      if (!(error instanceof ApiError)) reportError(error);
    },
  }).render(
    <StrictMode>
      <MantineProvider
        theme={theme}
        withCssVariables={false}
        withGlobalClasses={false}
        defaultColorScheme="auto"
        getStyleNonce={() => styleNonce}
      >
        <QueryClientProvider client={queryClient}>
          <RouterProvider router={router} />
          <NoticeStack />
        </QueryClientProvider>
      </MantineProvider>
    </StrictMode>,
  );
}

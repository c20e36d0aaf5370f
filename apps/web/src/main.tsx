import "./styles/base.css";
import "@mantine/core/styles.layer.css";
import "./styles/app.css";
import "./styles/runs.css";
import "./styles/settings.css";
import "./styles/tracker.css";
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
const root = document.getElementById("app");
if (root === null) throw new Error("the page has no place for the app");
createRoot(root, {
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

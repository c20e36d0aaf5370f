import { Button, MantineProvider } from "@mantine/core";
import { createElement } from "react";
import { createRoot } from "react-dom/client";

/** The libraries that the app draws with and one button: what a page of theirs takes before it shows anything of its own. */
const place = document.getElementById("app");
if (place === null) throw new Error("the page has no place for the app");
createRoot(place).render(
  createElement(MantineProvider, null, createElement(Button, { type: "submit" }, "Go on")),
);

/** What is opened over any page, as one file for browsers. */

export { ManageViewsDialog } from "../tracker/manage-views-dialog.tsx";
export { NewItemDialog } from "../tracker/new-item-dialog.tsx";
export { SaveViewDialog } from "../tracker/save-view-dialog.tsx";
export { CommandPalette } from "./command-palette.tsx";
export { ShortcutHelp } from "./shortcut-help.tsx";

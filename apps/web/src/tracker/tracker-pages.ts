/** All pages of the area, as one file for browsers: cut into a file each, they share dozens of small ones. */
export { WorkspaceActivityPage } from "./activity-page.tsx";
export { BoardPage } from "./board-page.tsx";
export { InboxPage } from "./inbox-page.tsx";
export { ItemListPage, NewItemButton, NoItems } from "./item-list-page.tsx";
export { ItemPage } from "./item-page.tsx";
export { MyWorkPage } from "./my-work-page.tsx";
export { PagesPage } from "./pages-page.tsx";

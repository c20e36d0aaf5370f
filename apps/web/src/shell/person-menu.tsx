import { useMantineColorScheme } from "@mantine/core";
import { IconChevronDown } from "@tabler/icons-react";
import { sendApi } from "../api/api.ts";
import { useMe } from "../api/me.ts";
import { MenuButton } from "../parts/menu-button.tsx";
import { paths } from "../paths.ts";
import { sayFailed } from "./notices.tsx";

const SCHEMES = [
  { value: "light", text: "Light" },
  { value: "dark", text: "Dark" },
  { value: "auto", text: "As the system" },
] as const;

/** The name of the person at the page, and behind it their account, the colors and the way out. */
export function PersonMenu() {
  const me = useMe();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <MenuButton
      className="pick person"
      align="end"
      menuLabel={me.name}
      lines={() => [
        { kind: "label", text: me.email },
        { kind: "go", text: "Account", to: paths.account },
        { kind: "line" },
        { kind: "label", text: "Colors" },
        ...SCHEMES.map(({ value, text }) => ({
          kind: "radio" as const,
          text,
          on: colorScheme === value,
          run: () => setColorScheme(value),
        })),
        { kind: "line" },
        { kind: "do", text: "Sign out", run: signOut },
      ]}
    >
      <span className="person-menu-name">{me.name}</span>
      <IconChevronDown size={14} aria-hidden />
    </MenuButton>
  );
}

function signOut(): void {
  sendApi("POST", "/api/auth/sign-out", {}).then(() => location.assign(paths.login()), sayFailed);
}

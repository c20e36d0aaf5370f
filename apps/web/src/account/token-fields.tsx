import { NativeSelect, TextInput } from "@mantine/core";
import { TokenScope } from "@windshift/contract/api/token.ts";
import { API_TOKEN_DAYS_MAX } from "@windshift/contract/limits.ts";

const SCOPE_TEXT: Record<TokenScope, string> = {
  read: "Read: look at what I see",
  write: "Write: also change items and start runs",
  admin: "Admin: also change settings, as far as I may",
};

/** What a token may do; the widest that is chosen includes the others. */
export function ScopeField(props: {
  value: TokenScope;
  onChange(scope: TokenScope): void;
  error: string | undefined;
}) {
  return (
    <NativeSelect
      label="It may"
      value={props.value}
      onChange={(event) => props.onChange(TokenScope.parse(event.currentTarget.value))}
      data={TokenScope.options.map((value) => ({ value, label: SCOPE_TEXT[value] }))}
      error={props.error}
    />
  );
}

export function DaysField(props: { value: string; onChange(days: string): void; error: string | undefined }) {
  return (
    <TextInput
      label="Works for, days"
      description={`At most ${API_TOKEN_DAYS_MAX}.`}
      inputMode="numeric"
      required
      value={props.value}
      onChange={(event) => props.onChange(event.currentTarget.value)}
      error={props.error}
    />
  );
}

import { Center, Loader } from "@mantine/core";

export function PagePending() {
  return (
    <Center mih={200} role="status" aria-label="Loading">
      <Loader size="sm" />
    </Center>
  );
}

import { Stack, Text } from "@mantine/core";
import type { ReactNode } from "react";

/** What stands where nothing is yet: what belongs here, and how to begin. */
export function EmptyState({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <Stack align="center" gap="xs" py="xl" className="empty">
      <Text fw={600}>{title}</Text>
      <Text c="dimmed" ta="center" maw={420} component="div">
        {children}
      </Text>
    </Stack>
  );
}

import { Button as LibraryButton, Loader, UnstyledButton } from "@mantine/core";
import type { ComponentPropsWithRef, ReactNode } from "react";

const { root, inner, label, section, loader } = LibraryButton.classes;
const CLASS = `mantine-focus-auto mantine-active ${UnstyledButton.classes.root} ${root} button`;

interface ButtonLook {
  variant?: "filled" | "default" | "subtle";
  color?: "gray" | "red";
  size?: "sm" | "xs" | "compact-sm";
  leftSection?: ReactNode;
}

/**
 * The library's button to look at, without what the library works out for each one while the page is drawn: pages people work on have
 * dozens. Elsewhere the library's own is as good.
 */
export function Button(props: ComponentPropsWithRef<"button"> & ButtonLook & { loading?: boolean }) {
  const {
    variant,
    color,
    size,
    leftSection,
    loading = false,
    disabled,
    className,
    children,
    ...rest
  } = props;
  return (
    <button
      type="button"
      {...rest}
      className={classOf({ variant, color, size }, className)}
      disabled={disabled === true || loading}
      data-disabled={disabled || undefined}
      data-loading={loading || undefined}
      data-with-left-section={leftSection === undefined ? undefined : true}
    >
      {loading && (
        <span className={`${loader} button-loader`} aria-hidden>
          <Loader color="var(--button-color)" size="calc(var(--button-height) / 1.8)" />
        </span>
      )}
      <Inside leftSection={leftSection}>{children}</Inside>
    </button>
  );
}

/** A link that looks like a button, such as one to a file. */
export function ButtonLink(props: ComponentPropsWithRef<"a"> & ButtonLook) {
  const { variant, color, size, leftSection, className, children, ...rest } = props;
  return (
    <a
      {...rest}
      className={classOf({ variant, color, size }, className)}
      data-with-left-section={leftSection === undefined ? undefined : true}
    >
      <Inside leftSection={leftSection}>{children}</Inside>
    </a>
  );
}

function Inside({ leftSection, children }: Pick<ButtonLook, "leftSection"> & { children: ReactNode }) {
  return (
    <span className={inner}>
      {leftSection !== undefined && (
        <span className={section} data-position="left">
          {leftSection}
        </span>
      )}
      <span className={label}>{children}</span>
    </span>
  );
}

function classOf(
  look: { [K in "variant" | "color" | "size"]: ButtonLook[K] | undefined },
  more?: string,
): string {
  const { variant = "filled", color, size = "sm" } = look;
  const colored = color === undefined ? "" : ` button-${color}`;
  return `${CLASS} button-${variant} button-${size}${colored}${more === undefined ? "" : ` ${more}`}`;
}

/** Files the bundler embeds as text. */
declare module "*/prepare-commit-msg" {
  const text: string;
  export default text;
}

/** A shell script, taken into the program as text. */
declare module "*.sh" {
  const text: string;
  export default text;
}

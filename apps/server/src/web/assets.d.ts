/** Files of the pages that are embedded as text and served as they are. */
declare module "./assets/*" {
  const text: string;
  export default text;
}

/**
 * The floor: a page with nothing but a list of so many rows of one height, of which those in sight are in the page. No program
 * that shows a long list in a browser does less.
 */
export function plainListPage(rows: number): string {
  return `<!doctype html><meta charset="utf-8"><style>
    body { margin: 0; font: 14px sans-serif; }
    #list { height: 700px; overflow: auto; position: relative; }
    .row { position: absolute; left: 0; right: 0; height: 28px; padding: 4px 12px; }
  </style><div id="list"><div id="sheet" style="position:relative;height:${rows * 28}px"></div></div><script>
    const list = document.getElementById("list"), sheet = document.getElementById("sheet");
    let shown = new Map();
    function draw() {
      const first = Math.max(0, Math.floor(list.scrollTop / 28) - 12);
      const last = Math.min(${rows} - 1, Math.ceil((list.scrollTop + list.clientHeight) / 28) + 12);
      const next = new Map();
      for (let at = first; at <= last; at++) {
        let row = shown.get(at);
        if (row === undefined) {
          row = document.createElement("div");
          row.className = "row";
          row.style.top = at * 28 + "px";
          row.textContent = "a line of output as a build prints it, number " + at;
          sheet.append(row);
        }
        shown.delete(at);
        next.set(at, row);
      }
      for (const row of shown.values()) row.remove();
      shown = next;
    }
    list.addEventListener("scroll", draw);
    draw();
  </script>`;
}

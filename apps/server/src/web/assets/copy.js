/** Buttons with `data-copy` put the text of the element with that id on the clipboard, where the browser has one, and select it. */
export function handleCopies() {
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("button[data-copy]") : null;
    const source = button && document.getElementById(button.dataset.copy);
    if (!source || source.textContent === "") return;
    getSelection()?.selectAllChildren(source);
    // Without TLS there is no clipboard; what is selected can be copied by hand.
    navigator.clipboard?.writeText(source.textContent).then(
      () => announce("Copied."),
      () => announce("Selected. Copy it with the keyboard."),
    );
  });
}

function announce(text) {
  const place = document.getElementById("announcer");
  if (place !== null) place.textContent = text;
}

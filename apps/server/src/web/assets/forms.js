import { refresh } from "./refresh.js";

/**
 * Sends every form with `data-api` as JSON and stays on the page, so that nothing typed is lost when it is refused.
 * `data-method` (POST), `data-then`: `refresh`, `reload` or an address that may name fields of the reply, as in
 * /items/{key}; `data-clear` empties the form when it was taken.
 */
export function handleForms() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || !form.dataset.api) return;
    event.preventDefault();
    if (!form.hasAttribute("aria-busy")) void send(form);
  });
}

async function send(form) {
  showProblems(form, "", []);
  setBusy(form, true);
  const reply = await post(form);
  setBusy(form, false);
  if (reply.kind === "refused") return showProblems(form, reply.message, reply.details);
  if (form.hasAttribute("data-clear")) form.reset();
  await follow(form.dataset.then ?? "reload", reply.body);
}

async function post(form) {
  let response;
  try {
    response = await fetch(form.dataset.api, {
      method: form.dataset.method ?? "POST",
      headers: { "content-type": "application/json", accept: "application/json" },
      body: JSON.stringify(valuesOf(form)),
      redirect: "error",
    });
  } catch {
    return refused("The server cannot be reached. What you typed is still here; try again.");
  }
  const body = await response.json().catch(() => ({}));
  if (response.ok) return { kind: "taken", body };
  if (response.status === 401 && !form.dataset.api.startsWith("/api/auth/"))
    return refused("Your session has ended. Sign in in another tab, then send this again.");
  const error = body.error ?? body;
  return refused(error.message ?? `The server answered ${response.status}.`, error.details);
}

function refused(message, details = []) {
  return { kind: "refused", message, details };
}

function valuesOf(form) {
  const values = {};
  for (const field of form.elements) {
    if (!field.name || field.disabled) continue;
    if (field.dataset.type === "boolean") values[field.name] = field.value === "true";
    else if (field.dataset.type === "integer") values[field.name] = Number(field.value);
    else if (field.dataset.type === "dollars")
      values[field.name] = Math.round(Number(field.value) * 1_000_000);
    else values[field.name] = field.value === "" && field.dataset.empty === "null" ? null : field.value;
  }
  return values;
}

async function follow(then, body) {
  if (then === "refresh") return refresh();
  if (then === "reload") return location.reload();
  location.assign(then.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(body[name] ?? "")));
}

function setBusy(form, busy) {
  form.toggleAttribute("aria-busy", busy);
  for (const button of form.querySelectorAll("button")) button.disabled = busy;
}

/** Problems stand beside their fields; what belongs to none stands above the form. */
function showProblems(form, message, details) {
  for (const place of form.querySelectorAll("[data-error-for]")) {
    const problem = details.find((one) => one.path === place.dataset.errorFor);
    place.textContent = problem?.message ?? "";
    place.hidden = problem === undefined;
    const field = form.elements.namedItem(place.dataset.errorFor);
    markField(field, problem === undefined ? undefined : place.id);
  }
  const shown = details.some((one) => form.querySelector(`[data-error-for="${CSS.escape(one.path)}"]`));
  const general = form.querySelector("[data-form-error]");
  if (general !== null) {
    general.textContent = shown ? "" : message;
    general.hidden = shown || message === "";
  }
  form.querySelector('[aria-invalid="true"]')?.focus();
}

function markField(field, errorId) {
  if (!(field instanceof HTMLElement)) return;
  const hint = document.getElementById(`${field.id}-hint`)?.id;
  const described = [hint, errorId].filter(Boolean).join(" ");
  if (errorId === undefined) field.removeAttribute("aria-invalid");
  else field.setAttribute("aria-invalid", "true");
  if (described === "") field.removeAttribute("aria-describedby");
  else field.setAttribute("aria-describedby", described);
}

// Who is looking: asks for a token where the service does.

import { get, hasToken, useToken } from "./api.js";
import { byId, fill, h } from "./dom.js";

/** Waits until somebody has a role, and says which: `register`, `read` or `admin`. */
export async function signIn() {
  const { role } = await get("v1/role");
  return role ?? askForToken();
}

function askForToken() {
  const place = byId("signin");
  const input = h("input", { id: "token", type: "password", autocomplete: "off", spellcheck: "false", required: true });
  const problem = h("p.problem", { role: "alert" });
  return new Promise((resolve) => {
    const submit = async (event) => {
      event.preventDefault();
      useToken(input.value.trim());
      input.value = "";
      const role = await roleOfToken(problem);
      if (role === null) return input.focus();
      place.hidden = true;
      fill(place);
      resolve(role);
    };
    fill(
      place,
      h("h2", {}, "Sign in"),
      h("p", {}, "This service answers those who bear a token. It is kept in this page's memory, and forgotten with it."),
      h("form.line", { submit }, h("label", { for: "token" }, "Token"), input, h("button", { type: "submit" }, "Sign in")),
      problem,
    );
    place.hidden = false;
    input.focus();
  });
}

async function roleOfToken(problem) {
  let said = "This token is not known here.";
  try {
    const { role } = await get("v1/role");
    if (role !== null) return role;
  } catch (error) {
    said = `The service does not answer: ${error.message}`;
  }
  useToken(null);
  problem.textContent = said;
  return null;
}

/** Shows whose eyes the page has, and a way to leave. */
export function showRole(role) {
  const place = byId("role");
  if (!hasToken()) return fill(place);
  const leave = h("button.quiet", { type: "button", click: () => location.reload() }, "Sign out");
  fill(place, h("span", {}, `Role: ${role}`), leave);
}

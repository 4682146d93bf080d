// Elements from words. Text is only ever set as text, so that nothing that a registration says is taken for markup.

/**
 * Makes an element: `h("p.note", {title: "…"}, "text", child, …)`.
 * Of the attributes, functions become listeners, `true` sets and `false`, `null` and `undefined` leave out.
 */
export function h(what, attributes = {}, ...children) {
  const [tag, ...classes] = what.split(".");
  const element = document.createElement(tag);
  if (classes.length > 0) element.className = classes.join(" ");
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Puts other things into an element in the place of what is there. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
}

export const byId = (id) => document.getElementById(id);

/** What names something in code: an ID, a regex, a file. Long ones may be broken anywhere. */
export const code = (text) => h("code", { title: text.length > 30 ? text : null }, text);

/** `1 file`, `2 files`, `10,000 files`. */
export function count(number, one, many = `${one}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}

/** A time of day, with the date when that is another than today; the whole stands in the title. */
export function when(ms) {
  const date = new Date(ms);
  const today = date.toDateString() === new Date().toDateString();
  const time = date.toLocaleTimeString("en-GB");
  // The day as it is where the clock is that the time is of; this locale writes it as ISO 8601 does.
  const shown = today ? time : `${date.toLocaleDateString("sv-SE")} ${time}`;
  return h("time", { datetime: date.toISOString(), title: date.toISOString() }, shown);
}

/** Says something to whoever listens to the page and does not see it. */
export function announce(text) {
  byId("announcer").textContent = text;
}

/** Text with what stands in backticks set as code. */
export function prose(text) {
  return text.split("`").map((part, at) => (at % 2 === 1 ? code(part) : part));
}

/** A list of things of which so many are shown, and a button for the next ones. */
export function more(shown, total, things, load) {
  if (shown >= total) return null;
  const label = `Show more (${shown.toLocaleString("en")} of ${total.toLocaleString("en")} ${things})`;
  return h("button.quiet", { type: "button", click: load }, label);
}

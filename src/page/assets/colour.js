// Whose colour is whose. A colour only ever goes with a name: there are more services than colours that can be told apart.

import { h } from "./dom.js";

/** The hue of a service, the same wherever and whenever it is shown. */
export function hue(service) {
  let hash = 2166136261;
  for (const character of service) hash = Math.imul(hash ^ character.codePointAt(0), 16777619);
  // Steps by the golden angle lie far from each other.
  return Math.round(((hash >>> 0) % 997) * 137.508) % 360;
}

/** A patch of a service's colour, to stand before its name. */
export function swatch(service) {
  const patch = h("span.swatch", { "aria-hidden": "true" });
  patch.style.setProperty("--hue", hue(service));
  return patch;
}

/** Colours an element by services: one fills it, more stand in stripes. */
export function paint(element, services) {
  const { style } = element;
  if (services.length === 0) return;
  style.setProperty("--hue", hue(services[0]));
  element.classList.add("owned");
  if (services.length === 1) return;
  const colours = services.map((service) => `oklch(var(--cell-lightness) var(--cell-chroma) ${hue(service)})`);
  const stripes = colours.map((colour, at) => `${colour} ${at * 14}px ${(at + 1) * 14}px`);
  style.backgroundImage = `repeating-linear-gradient(135deg, ${stripes.join(", ")})`;
}

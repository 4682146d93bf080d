// A registration that is pasted: would it load, and what would it do to the others?

import { check } from "./api.js";
import { finding } from "./collisions.js";
import { announce, byId, count, fill, h } from "./dom.js";
import { fault } from "./files.js";

export function setUpCheck() {
  byId("check-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = byId("check-input").value;
    const place = byId("checked");
    if (text.trim() === "") return fill(place, h("p.problem", {}, "Paste a registration first."));
    fill(place, h("p", {}, "Comparing …"));
    try {
      show(place, await check(text));
    } catch (error) {
      fill(place, h("p.problem", {}, error.message));
    }
    announce(place.querySelector(".verdict, .problem")?.textContent ?? "");
  });
}

function show(place, { accepted, errors, findings }) {
  const grave = findings.filter((one) => one.severity === "error").length;
  const [status, sign, words] = !accepted
    ? ["contested", "✕", `It would not load: ${count(errors.length, "fault")}`]
    : grave > 0
      ? ["contested", "⚠", `It would load, and collide: ${count(grave, "error")}`]
      : ["unclaimed", "✓", findings.length > 0 ? `It would load; ${count(findings.length, "remark")}` : "It would load, and collides with nothing"];
  fill(place, h("p.verdict", { "data-status": status }, h("span.mark", { "aria-hidden": "true" }, sign), h("strong", {}, words)), errors.map(fault), findings.map(finding));
}

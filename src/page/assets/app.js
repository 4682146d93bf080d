// Puts the parts of the page together, and follows what changes.

import { Refused, Silent, changes, inForce } from "./api.js";
import { askAbout, askAgain, setUpAsking } from "./ask.js";
import { refreshChanges } from "./changes.js";
import { setUpCheck } from "./check.js";
import { areBehind, refreshCollisions, setUpCollisions } from "./collisions.js";
import { byId, fill, h } from "./dom.js";
import { refreshFiles, setUpFiles } from "./files.js";
import { refreshMap, setUpMap } from "./map.js";
import { showRole, signIn } from "./signin.js";
import { refreshTruth, showSilence } from "./truth.js";

/** Seconds that are waited for a change. What changes in a file and in no answer is seen then at the latest. */
const WAIT = 15;
/** And after so many milliseconds whoever did not answer is asked again, at most. */
const PATIENCE = 15_000;

/** What shows the set in force, each to be shown again when that is another. */
const PARTS = [refreshMap, refreshCollisions, refreshFiles, refreshChanges, askAgain];
/** And what shows which names are contested, until all of it is compared. */
const COMPARED = [refreshCollisions, refreshMap];

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function unhide(...ids) {
  for (const id of ids) byId(id).hidden = false;
}

/** Shows all parts again; one that cannot be shown does not keep the others. */
async function refresh(parts) {
  const done = await Promise.allSettled(parts.map((part) => part()));
  const failed = done.find((one) => one.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

/** What is told by a fault: the service is silent, still loads, or the token is no longer known. */
async function cope(error, state) {
  if (error instanceof Refused && (error.status === 401 || error.status === 403)) return location.reload();
  state.silentSince ??= Date.now();
  state.delay = Math.min(PATIENCE, (state.delay ?? 500) * 2);
  if (error instanceof Refused && error.status === 503) await refreshTruth().catch(() => showSilence(state.silentSince));
  else if (error instanceof Silent) showSilence(state.silentSince);
  else throw error;
  return pause(state.delay);
}

/** Waits for changes for as long as the page is open, and shows them. */
async function follow() {
  const state = { snapshot: null, tag: null, generation: 0, delay: null, silentSince: null };
  for (;;) {
    try {
      const { answer, tag } = state.snapshot === null ? await inForce() : await changes(state.snapshot, state.tag, areBehind() ? 1 : WAIT);
      const wasSilent = state.silentSince !== null;
      const status = await refreshTruth();
      if (wasSilent || status.generation !== state.generation) await refresh(PARTS);
      else if (areBehind()) await refresh(COMPARED);
      state.generation = status.generation;
      state.snapshot = answer?.snapshot ?? state.snapshot;
      state.tag = tag ?? state.tag;
      state.delay = null;
      state.silentSince = null;
    } catch (error) {
      await cope(error, state);
    }
  }
}

async function start() {
  const role = await signIn();
  showRole(role);
  unhide("ask");
  if (role === "register") {
    setUpAsking("", role);
    return;
  }
  const { server_name: server } = await refreshTruth();
  unhide("truth", "parts", "map", "collisions", "files", "changes", "check");
  setUpAsking(server, role);
  setUpMap(server, askAbout);
  setUpCollisions(askAbout);
  setUpFiles();
  setUpCheck();
  byId("ask-input").focus({ preventScroll: true });
  await follow();
}

start().catch((error) => {
  unhide("truth");
  byId("truth").dataset.state = "none";
  fill(byId("truth"), h("p.headline", {}, `The page cannot go on, load it again: ${error.message}`));
});

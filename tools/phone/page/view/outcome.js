/** How it ended. */

import { fill, h, icon } from "./dom.js";
import { actions, button, lead, note, title, ways } from "./parts.js";
import { WAYS, wordsFor } from "./words.js";

export function saved({ name, networks, warnings, isSaved, onDone, say }) {
  const left = h("strong.left", {}, "3:00");
  const bar = h("progress", { max: "1", value: 0, "aria-label": "Time that has passed" });
  const element = h(
    "section.screen.centred",
    {},
    h(isSaved ? "div.hero.good" : "div.hero", {}, icon(isSaved ? "check" : "bluetooth")),
    title(isSaved ? "Saved, connecting" : "Out of touch while it tries"),
    lead(h("strong", {}, name), isSaved ? onItsWay(networks) : ON_ITS_OWN),
    note(
      "info",
      "If it cannot connect, it comes back within three minutes and says why: the page watches for that. Stay near it, or look into your cloud.",
    ),
    ...warned(warnings),
    h("div.watching", {}, bar, h("p", {}, "Watching for another ", left)),
    actions(button("I see it in the cloud", onDone)),
  );
  let told = null;
  const tick = (ms, total) => {
    const seconds = Math.ceil(ms / 1000);
    left.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    bar.value = 1 - ms / total;
    const minutes = Math.ceil(seconds / 60);
    if (minutes !== told) say(`${minutes} ${minutes === 1 ? "minute" : "minutes"} left`);
    told = minutes;
  };
  return { element, tick };
}

const ON_ITS_OWN =
  " goes on without the connection, which was lost: when the Wi-Fi works, it saves all, restarts and connects to the cloud.";

const onItsWay = ([network]) =>
  network
    ? ` restarts, joins \u201c${network}\u201d and connects to the cloud.`
    : " restarts and connects to the cloud.";

export function done({ name, watched, warnings, isSaved, onAnother }) {
  const how = !watched
    ? " has its settings. The page no longer watches it."
    : isSaved
      ? " did not come back with a failure, so it has reached the cloud. There you see it for certain."
      : " was not seen any more. When its settings work, you see it in the cloud; else find it again: it says why.";
  const element = h(
    "section.screen.centred",
    {},
    h("div.hero.good", {}, icon("check")),
    title(isSaved || !watched ? "Your device is set up" : "Look into your cloud"),
    lead(h("strong", {}, name), how),
    ...warned(warnings),
    note("info", "Passwords, keys and the setup code are forgotten by this page."),
    actions(button("Set up another device", onAnother)),
  );
  return { element };
}

/** What the device left out, or forgot for it. */
const warned = (warnings) => warnings.map((sentence) => note("warning", "The device says: ", sentence));

export function trouble({ kind, code, sentence, retryS, onGo, say }) {
  const { title: what, text, ways: names } = wordsFor(kind, code);
  const buttons = names.map((way, at) => button(WAYS[way], () => onGo(way), at ? "secondary" : "primary"));
  const wait = h("p.wait");
  const element = h(
    "section.screen",
    {},
    h("div.hero.bad", {}, icon("alert")),
    title(what),
    lead(text),
    retryS ? wait : null,
    sentence ? said(kind, code, sentence) : null,
    ways(...buttons),
  );
  if (retryS) countDown(retryS, wait, buttons[0]);
  say(`${what}. ${text}`);
  return { element };
}

function said(kind, code, sentence) {
  const who =
    kind === "bug" ? "What the browser says" : code === null ? "Details" : `What the device says (code ${code})`;
  return h("blockquote.said", {}, h("small", {}, who), h("p", {}, sentence));
}

function countDown(seconds, wait, best) {
  const end = Date.now() + 1000 * seconds;
  best.disabled = true;
  const show = () => {
    const left = Math.ceil((end - Date.now()) / 1000);
    fill(wait, left > 0 ? `It listens again in ${left} s.` : "It listens again now.");
    if (left > 0 && best.isConnected) return setTimeout(show, 500);
    best.disabled = false;
  };
  // Not yet on the page: `isConnected` holds from the next turn on.
  setTimeout(show);
  wait.textContent = `It listens again in ${seconds} s.`;
}

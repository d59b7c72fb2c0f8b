/** Shows one screen at a time, tells where it stands, and moves the focus to where reading begins. */

import { certificates } from "./certificates.js";
import { cloud } from "./cloud.js";
import { connecting, find, open, unsupported } from "./find.js";
import { fill } from "./dom.js";
import { done, saved, trouble } from "./outcome.js";
import { review, sending } from "./review.js";
import { wifi } from "./wifi.js";

const SCREENS = {
  unsupported,
  find,
  connecting,
  open,
  wifi,
  cloud,
  certificates,
  review,
  sending,
  saved,
  done,
  trouble,
};
// Screen -> its place in the list of steps at the top; those without keep the last one.
const PLACES = {
  find: 0,
  connecting: 0,
  open: 0,
  wifi: 1,
  cloud: 2,
  certificates: 3,
  review: 4,
  sending: 4,
  saved: 5,
  done: 5,
};

export class Stage {
  #document;
  #stage;
  #news;
  #first = true;

  constructor(document) {
    this.#document = document;
    this.#stage = document.getElementById("stage");
    this.#news = document.getElementById("news");
  }

  /** Show a screen; returns what it offers to change it while it stands. */
  show(name, props) {
    const { element, ...handles } = SCREENS[name]({ ...props, say: (text) => this.say(text) });
    fill(this.#stage, element);
    this.#document.body.dataset.screen = name;
    if (name in PLACES) this.#mark(PLACES[name]);
    const heading = element.querySelector("h1");
    this.#document.title = `${heading.textContent} \u2013 Device setup`;
    this.#document.defaultView.scrollTo(0, 0);
    // Not at the very beginning: there the browser reads the page by itself.
    if (!this.#first) heading.focus();
    this.#first = false;
    return handles;
  }

  /** Read out by a screen reader. */
  say(text) {
    this.#news.textContent = text;
  }

  /** The name of the connected device, "" for none. */
  device(name) {
    const chip = this.#document.getElementById("device");
    chip.textContent = name;
    chip.hidden = !name;
  }

  #mark(place) {
    this.#document.querySelectorAll("#places li").forEach((step, at) => {
      step.className = at < place ? "done" : at === place ? "now" : "";
      if (at === place) step.setAttribute("aria-current", "step");
      else step.removeAttribute("aria-current");
    });
  }
}

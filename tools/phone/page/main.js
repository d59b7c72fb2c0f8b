/** Puts the parts together: the browser's Bluetooth, the flow, the view. */

import { Setup } from "./flow/setup.js";
import { choose, isAvailable } from "./transport/web-bluetooth.js";
import { obstacle } from "./transport/obstacle.js";
import { Stage } from "./view/stage.js";

// The setup code stays out of the address bar, the history and screenshots.
function takeHash() {
  const { hash, pathname, search } = location;
  if (hash) history.replaceState(null, "", pathname + search);
  return hash;
}

const setup = new Setup(new Stage(document), { choose, isAvailable, obstacle: obstacle(navigator, isSecureContext) });
setup.start(takeHash());
addEventListener("hashchange", () => setup.scanned(takeHash()));

addEventListener("beforeunload", (event) => {
  if (!setup.hasWork) return;
  event.preventDefault();
  event.returnValue = true; // Chrome before 119 asks for this one only
});

// A file that is dropped beside its place must not replace the page.
for (const kind of ["dragover", "drop"]) addEventListener(kind, (event) => event.preventDefault());

if ("serviceWorker" in navigator && isSecureContext) {
  // Without it the page works all the same, only not offline.
  navigator.serviceWorker.register("service-worker.js").catch((error) => console.warn("offline use:", error.message));
}

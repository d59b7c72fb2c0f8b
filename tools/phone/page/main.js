/** Puts the parts together: the browser's Bluetooth, the flow, the view. */

import { Setup } from "./flow/setup.js";
import { choose, isAvailable } from "./transport/web-bluetooth.js";
import { obstacle } from "./transport/obstacle.js";
import { Stage } from "./view/stage.js";

const { hash, pathname, search } = location;
// The setup code stays out of the address bar, the history and screenshots.
if (hash) history.replaceState(null, "", pathname + search);

const setup = new Setup(new Stage(document), { choose, isAvailable, obstacle: obstacle(navigator, isSecureContext) });
setup.start(hash);

addEventListener("beforeunload", (event) => {
  if (setup.hasWork) event.preventDefault();
});

if ("serviceWorker" in navigator && isSecureContext) {
  // Without it the page works all the same, only not offline.
  navigator.serviceWorker.register("service-worker.js").catch((error) => console.warn("offline use:", error.message));
}

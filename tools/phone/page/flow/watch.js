/**
 * After "saved": the device restarts and connects. It says nothing over BLE when that works, but opens CONFIG again
 * when it does not. So: when it is back within three minutes, it failed; else it is online.
 */

import { lastFailure } from "../protocol/messages.js";
import { pause } from "../protocol/mailbox.js";
import { Trouble } from "../protocol/trouble.js";

export const WATCH = Object.freeze({
  total: 180000, // milliseconds
  first: 8000, // before the first look: the device restarts when the phone has gone, or after 3 s
  between: 5000,
  look: 30000, // for one look: a connect that began while the device restarted may never end
});

const ON_ITS_WAY = ["joining", "saving", "restarting"]; // steps of a device that has not restarted yet

/** {outcome: "online"}, {outcome: "failed", failure or null} with `link` connected, {outcome: "stopped"}. */
export async function watch(link, { timing = WATCH, onTick = () => {}, stopped = () => false }) {
  let start = Date.now();
  const left = () => Math.max(0, timing.total - (Date.now() - start));
  const ticking = setInterval(() => onTick(left(), timing.total), Math.min(1000, timing.between));
  try {
    await pause(timing.first);
    while (left() > 0 && !stopped()) {
      const state = await look(link, Math.min(timing.look, left()));
      if (stopped()) break;
      if (state && isBack(state)) return { outcome: "failed", failure: lastFailure(state) };
      if (state?.step === "joining") start = Date.now(); // eight networks may take it four minutes
      await pause(Math.min(timing.between, left()));
    }
    return { outcome: stopped() ? "stopped" : "online" };
  } finally {
    clearInterval(ticking);
  }
}

const isBack = ({ mode, step }) => mode === "CONFIG" && !ON_ITS_WAY.includes(step);

// The STATE of a device that is there, or null. One that is back stays connected.
async function look(link, limitMs) {
  let state = null;
  try {
    await link.reach(limitMs);
    state = await link.readState();
  } catch (error) {
    if (!(error instanceof Trouble)) throw error; // not there: that is what is hoped for
  }
  if (!state || !isBack(state)) link.close();
  return state;
}

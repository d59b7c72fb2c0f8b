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
});

const ON_ITS_WAY = ["joining", "saving", "restarting"]; // steps of a device that has not restarted yet

/** {outcome: "online"}, {outcome: "failed", failure or null} with `link` connected, {outcome: "stopped"}. */
export async function watch(link, { timing = WATCH, onTick = () => {}, stopped = () => false }) {
  const start = Date.now();
  const left = () => Math.max(0, timing.total - (Date.now() - start));
  const ticking = setInterval(() => onTick(left(), timing.total), Math.min(1000, timing.between));
  try {
    await pause(timing.first);
    while (left() > 0 && !stopped()) {
      const state = await look(link, left());
      if (stopped()) break;
      if (state) return { outcome: "failed", failure: lastFailure(state) };
      await pause(Math.min(timing.between, left()));
    }
    return { outcome: stopped() ? "stopped" : "online" };
  } finally {
    clearInterval(ticking);
  }
}

// The STATE of a device that is in CONFIG again, or null.
async function look(link, left) {
  try {
    await link.reach(left);
    const state = await link.readState();
    if (state.mode === "CONFIG" && !ON_ITS_WAY.includes(state.step)) return state;
  } catch (error) {
    if (!(error instanceof Trouble)) throw error; // not there: that is what is hoped for
  }
  link.close();
  return null;
}

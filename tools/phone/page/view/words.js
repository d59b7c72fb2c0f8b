/**
 * Every trouble in plain words, with a way on. `ways`: what the person can do, the first being the best: "again",
 * "wifi", "cloud", "certificates", "code" (type the setup code), "find" (choose a device).
 */

export const WAYS = {
  again: "Try again",
  wifi: "Check the Wi-Fi",
  cloud: "Check the cloud settings",
  certificates: "Check the certificates",
  code: "Check the setup code",
  find: "Find the device again",
};

/** The device's answers, by code. */
export const CODES = {
  0: { title: "That worked", text: "There is nothing to do.", ways: ["again"] },
  1: { title: "Still at work", text: "The device is at it, but did not finish in time.", ways: ["again"] },
  2: { title: "Saved", text: "The device has its settings and restarts.", ways: ["find"] },
  3: {
    title: "The device asks who you are",
    text: "It does not know this conversation any more, perhaps because it restarted.",
    ways: ["again", "code"],
  },
  4: {
    title: "A message got lost",
    text: "The radio link is weak. Hold the phone closer to the device.",
    ways: ["again", "find"],
  },
  5: {
    title: "Something is missing",
    text: "To work, a device needs a Wi-Fi, the cloud\u2019s endpoint, a root certificate, and its own certificate.",
    ways: ["cloud", "certificates", "wifi"],
  },
  6: {
    title: "Wrong Wi-Fi password",
    text: "The network refused the password. Capital and small letters count.",
    ways: ["wifi"],
  },
  7: {
    title: "Wi-Fi not found",
    text: "The device does not see this network. Move it closer to the router, or choose another; it needs 2.4 GHz.",
    ways: ["wifi", "again"],
  },
  8: {
    title: "The device cannot use this",
    text: "One of the settings is not what it needs.",
    ways: ["cloud", "certificates", "wifi"],
  },
  9: {
    title: "No address from the Wi-Fi",
    text: "The password was right, but the router gave no address. Restart the router, or check its DHCP.",
    ways: ["again", "wifi"],
  },
  10: {
    title: "A message arrived damaged",
    text: "The radio link is disturbed. Hold the phone closer to the device.",
    ways: ["again", "find"],
  },
  11: { title: "The device is busy", text: "It is at work on something else. Wait a moment.", ways: ["again"] },
  12: { title: "It did not work", text: "The device could not say why more precisely.", ways: ["again", "wifi"] },
  13: {
    title: "Too large for the device",
    text: "Leave out certificates that it does not need: one root is enough.",
    ways: ["certificates"],
  },
  14: {
    title: "Cloud not reached",
    text: "The Wi-Fi works, but the cloud does not answer. Check the endpoint, and that the network lets port 8883 out.",
    ways: ["cloud", "wifi"],
  },
  15: {
    title: "The cloud refused the device",
    text: "Check that the certificate is registered and active, that its policy allows the device, and that the key is its own.",
    ways: ["certificates", "cloud"],
  },
  99: {
    title: "The device did not understand",
    text: "The page may be newer or older than the device.",
    ways: ["again", "find"],
  },
};

/** What went wrong without a code of the device. */
export const KINDS = {
  wrong_code: {
    title: "Wrong setup code",
    text: "The code does not fit this device. Compare both with its label: the code, and the name.",
    ways: ["code", "find"],
  },
  locked: {
    title: "Too many wrong codes",
    text: "The device takes a rest from wrong setup codes. Switching it off and on ends that, too.",
    ways: ["code"],
  },
  no_answer: {
    title: "No answer",
    text: "The device does not answer. Hold the phone closer, and check that it is switched on.",
    ways: ["again", "find"],
  },
  link_lost: {
    title: "The connection was lost",
    text: "Hold the phone closer to the device. What you typed is still here.",
    ways: ["again", "find"],
  },
  unsafe: {
    title: "Not a safe connection",
    text: "Nothing was sent. Make sure that this is your device, and find it again.",
    ways: ["find"],
  },
  not_ours: {
    title: "Another kind of device",
    text: "It does not speak the language of this page. Look for an update of page and device.",
    ways: ["find"],
  },
  came_back: {
    title: "The device came back",
    text: "It could not connect with these settings and waits for better ones.",
    ways: ["wifi", "cloud", "certificates"],
  },
  bug: {
    title: "This page has made a mistake",
    text: "That should not happen. Reload the page and tell us what you did.",
    ways: ["find"],
  },
};

/** {title, text, ways} for a trouble of this kind and code. */
export function wordsFor(kind, code) {
  const byCode = code === null ? null : CODES[code];
  if (kind === "refused") return byCode ?? CODES[12];
  if (kind === "came_back" && byCode) return { ...byCode, text: `${KINDS.came_back.text} ${byCode.text}` };
  return KINDS[kind] ?? KINDS.bug;
}

/** The steps of STATE, as the device goes through them. */
export const STEPS = {
  waiting: "",
  receiving: "The device is reading\u2026",
  joining: "The device joins the Wi-Fi\u2026",
  saving: "The device saves\u2026",
  restarting: "The device restarts\u2026",
  connecting: "The device connects to the cloud\u2026",
  online: "The device is online.",
  failed: "",
};

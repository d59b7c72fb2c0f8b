/** Why this browser cannot talk to the device: "ios", "firefox", "safari", "insecure", "other"; null when it can. */
export function obstacle(navigator, isSecure) {
  if (navigator.bluetooth && isSecure) return null;
  const agent = navigator.userAgent;
  // iPads say that they are Macs; no Mac has a touch screen.
  const isApple = /iPhone|iPad|iPod/.test(agent) || (/Macintosh/.test(agent) && navigator.maxTouchPoints > 1);
  if (isApple) return "ios";
  if (!isSecure) return "insecure";
  if (/Firefox\//.test(agent)) return "firefox";
  if (/Safari\//.test(agent) && !/Chrom(e|ium)\//.test(agent)) return "safari";
  return /Linux/.test(agent) && !/Android/.test(agent) && /Chrom(e|ium)\//.test(agent) ? "linux" : "other";
}

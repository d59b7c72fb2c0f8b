/**
 * What an eye and a thumb would notice: [sentence] of everything that is wrong with the page as it stands. Contrast as
 * WCAG 2.2 counts it (1.4.3), the size of what is touched, names for a screen reader, nothing beyond the edge.
 */
(() => {
  const LEAST_TARGET = 44;
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const known = new Map();
  const rgb = (color) => {
    if (!known.has(color)) known.set(color, painted(color));
    return known.get(color);
  };
  const painted = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return canvas.getImageData(0, 0, 1, 1).data;
  };
  const luminance = ([r, g, b]) =>
    [r, g, b].map((part) => part / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
      .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
  const background = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const color = getComputedStyle(one).backgroundColor;
      if (rgb(color)[3] === 255) return color;
    }
    return "white";
  };
  const contrast = (one, other) => {
    const [light, dark] = [luminance(rgb(one)), luminance(rgb(other))].sort((a, b) => b - a);
    return (light + 0.05) / (dark + 0.05);
  };
  const isSeen = (element) => element.checkVisibility() && !element.closest(".visually-hidden, [aria-hidden=true]");

  const wrong = [];
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) wrong.push(`${root.scrollWidth - root.clientWidth} px beyond the edge`);
  for (const element of document.body.querySelectorAll("*")) {
    const says = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!says || !isSeen(element) || element.closest(":disabled, .sprite")) continue;
    const { color } = getComputedStyle(element);
    const ratio = contrast(color, background(element));
    if (ratio < 4.5) wrong.push(`"${element.textContent.slice(0, 30)}": contrast ${ratio.toFixed(2)}`);
  }
  for (const element of document.querySelectorAll("button, summary, label:has(input), input:not([type=radio], [type=checkbox])")) {
    const { width, height } = element.getBoundingClientRect();
    if (!isSeen(element)) continue;
    if (Math.min(width, height) < LEAST_TARGET - 0.5) {
      wrong.push(`"${element.textContent || element.id}": ${width.toFixed()} x ${height.toFixed()} px`);
    }
  }
  return wrong;
})();

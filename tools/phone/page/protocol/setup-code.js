/** The setup code on the label: 80 bits, for people 16 base32 characters (RFC 4648) in groups of four. */

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const LETTERS = 16;
const SIZE = 10;
const SEPARATORS = /[\s\-_.]/g;
// The alphabet has no 0, 1, 8 and 9. 0 and 8 can only be misread letters; 1 could be I or L, so it is asked about.
const MISREAD = { 0: "O", 8: "B" };

/** {bytes} of a code as a person typed it, or {problem}: a sentence that never repeats the code. */
export function parse(typed) {
  const letters = normalised(typed);
  const wrong = [...letters].find((letter) => !ALPHABET.includes(letter));
  if (wrong === "1") return { problem: "There is no 1 in setup codes: it may be the letter I or L." };
  if (wrong) return { problem: `"${wrong}" is not used in setup codes: only letters and the digits 2 to 7.` };
  if (letters.length !== LETTERS) {
    return { problem: `A setup code has ${LETTERS} characters; ${letters.length || "none"} so far.` };
  }
  let value = 0n;
  for (const letter of letters) value = (value << 5n) | BigInt(ALPHABET.indexOf(letter));
  return { bytes: Uint8Array.from({ length: SIZE }, (_, at) => Number((value >> BigInt(8 * (SIZE - 1 - at))) & 255n)) };
}

/** The code in groups of four, as the label shows it; also while it is being typed. */
export function grouped(typed) {
  return (
    normalised(typed)
      .slice(0, LETTERS)
      .match(/.{1,4}/g) ?? []
  ).join("-");
}

/** The code behind the `#` of the label's link, grouped; "" when there is none that could be used. */
export function fromLink(hash) {
  let typed;
  try {
    typed = decodeURIComponent(hash.replace(/^#/, ""));
  } catch {
    return ""; // a broken escape: somebody else's link
  }
  return parse(typed).bytes ? grouped(typed) : "";
}

// Who copies the label's link means what is behind its `#`.
const normalised = (typed) =>
  [...typed.slice(typed.lastIndexOf("#") + 1).toUpperCase().replace(SEPARATORS, "")].map((letter) => MISREAD[letter] ?? letter).join("");

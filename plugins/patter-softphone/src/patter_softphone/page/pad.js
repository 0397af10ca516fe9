// The dial pad and the keys: what was pressed, by finger or by letter.

const DIGITS = [..."123456789*0#"];
const LETTERS = { 2: "ABC", 3: "DEF", 4: "GHI", 5: "JKL", 6: "MNO", 7: "PQRS", 8: "TUV", 9: "WXYZ", 0: "+" };
const NAMES = { "*": "star", "#": "hash" };

/** Twelve buttons in *pad*; *press* is told the digit. */
export function buildPad(pad, press) {
  for (const digit of DIGITS) {
    const key = document.createElement("button");
    key.type = "button";
    key.append(digit, letters(digit));
    key.dataset.digit = digit;
    key.setAttribute("aria-label", NAMES[digit] ?? digit);
    key.addEventListener("click", () => press(digit));
    pad.append(key);
  }
}

/** The letters under a digit, as telephones have them; only to be seen. */
function letters(digit) {
  const small = document.createElement("small");
  small.textContent = LETTERS[digit] ?? "";
  return small;
}

/** Keys typed in *panel*, unless into a field, or with a modifier, or switched off. */
export function listenForKeys(panel, isOn, deeds, press) {
  panel.addEventListener("keydown", (event) => {
    if (!isOn() || event.repeat || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    if (event.target.matches("input, textarea, select")) {
      return;
    }
    const deed = deeds[event.key.toLowerCase()];
    if (deed) {
      event.preventDefault();
      deed();
    } else if (DIGITS.includes(event.key)) {
      event.preventDefault();
      press(event.key);
    }
  });
}

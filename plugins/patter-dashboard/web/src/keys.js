// Shortcuts of one key. They are off while something is typed, and when the reader says so.

const STORE = "patter-keys";
const pages = new Set();
let awaited = null;

let on = true;
try {
  on = localStorage.getItem(STORE) !== "off";
} catch {
  // A browser that keeps nothing for pages: the choice lasts as long as this one.
}

export const keysOn = () => on;

export function setKeysOn(value) {
  on = value;
  try {
    localStorage.setItem(STORE, on ? "on" : "off");
  } catch {
    // As above.
  }
}

/** Call *task* with each key that is pressed, as `j`, `?` or `g c`. Gives what ends that. */
export function addKeys(task) {
  pages.add(task);
  return () => pages.delete(task);
}

function typing(target) {
  return target.matches?.("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");
}

export function listenForKeys() {
  document.addEventListener("keydown", (event) => {
    if (!keysOn() || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (typing(event.target) || document.querySelector("dialog[open]")) return;
    let key = event.key;
    if (awaited) key = `g ${key}`;
    clearTimeout(awaited);
    awaited = key === "g" ? setTimeout(() => { awaited = null; }, 1_200) : null;
    // The newest comes first: what a page does with a key, the frame does not.
    for (const task of [...pages].reverse()) {
      task(key, event);
      if (event.defaultPrevented) return;
    }
  });
}

/** Move the focus by *step* among the elements that *selector* finds. */
export function moveFocus(selector, step, event) {
  const all = [...document.querySelectorAll(selector)];
  if (!all.length) return;
  event.preventDefault();
  const at = all.indexOf(document.activeElement);
  const next = all[at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.max(0, Math.min(all.length - 1, at + step))];
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

// A short answer to something that was done, read out and gone after a while.

import { useEffect, useState } from "preact/hooks";

let show = () => {};

/** Say *text*; *bad*: it did not work. */
export const say = (text, bad = false) => show({ text, bad });

/** Say what *error* is, and its fix. */
export const sayError = (error) => say(`${error.message}${error.fix ? `. ${error.fix}` : ""}`, true);

export function Toasts() {
  const [toast, setToast] = useState(null);
  show = setToast;
  useEffect(() => {
    if (!toast) return undefined;
    const timer = setTimeout(() => setToast(null), toast.bad ? 9_000 : 5_000);
    return () => clearTimeout(timer);
  }, [toast]);
  return (
    <div class="toasts" role="status">
      {toast && <p class={`toast${toast.bad ? " bad" : ""}`}>{toast.text}</p>}
    </div>
  );
}

// A question before something that cannot be undone; the browser's own dialog, which keeps the focus.

import { useEffect, useRef } from "preact/hooks";
import { Icon } from "./icons.jsx";

export function Dialog({ title, onClose, children }) {
  const ref = useRef(null);
  useEffect(() => {
    ref.current.showModal();
  }, []);
  const outside = (event) => event.target === ref.current && ref.current.close();
  return (
    <dialog ref={ref} class="dialog" aria-label={title} onClose={onClose} onClick={outside}>
      <div class="dialog-box">
        <header>
          <h2>{title}</h2>
          <button type="button" class="ghost tiny" aria-label="Close" onClick={() => ref.current.close()}><Icon name="close" /></button>
        </header>
        {children}
      </div>
    </dialog>
  );
}

/** A button that opens a list of things to do below it. */
export function Menu({ label, icon, children, align = "right" }) {
  const ref = useRef(null);
  useEffect(() => {
    const shut = (event) => {
      if (ref.current?.open && (event.type === "click" ? !ref.current.contains(event.target) : event.key === "Escape")) {
        ref.current.open = false;
        if (event.type === "keydown") ref.current.querySelector("summary").focus();
      }
    };
    document.addEventListener("click", shut);
    document.addEventListener("keydown", shut);
    return () => {
      document.removeEventListener("click", shut);
      document.removeEventListener("keydown", shut);
    };
  }, []);
  return (
    <details class={`menu ${align}`} ref={ref}>
      <summary class="button">{icon && <Icon name={icon} />}{label}<Icon name="down" size={12} /></summary>
      <div class="menu-box">{children}</div>
    </details>
  );
}

// What a page says instead of its content: it loads, it failed, there is nothing.

import { useEffect, useState } from "preact/hooks";
import { Fix } from "./fix.jsx";
import { Icon } from "./icons.jsx";

/** Grey bars in place of *rows*; shown only after a moment, so that fast answers do not flicker. */
export function Loading({ rows = 6, label = "Loading" }) {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 200);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div class={`loading${late ? " late" : ""}`} role="status">
      <span class="only-read">{label}</span>
      {Array.from({ length: rows }, (_, index) => <span key={index} class="bone" aria-hidden="true" />)}
    </div>
  );
}

/** An error as the server tells it: what happened, its code, what to do, and another try. */
export function Problem({ error, retry, title = "This could not be loaded" }) {
  return (
    <div class="notice bad" role="alert">
      <Icon name="warn" />
      <div>
        <p><strong>{title}.</strong> <code>{error.code}</code> {error.message}</p>
        {error.fix && <Fix text={error.fix} />}
        {retry && <button type="button" class="small" onClick={retry}>Try again</button>}
      </div>
    </div>
  );
}

/** Nothing is here, and what to do about it. */
export function Empty({ title, children, icon = "calls" }) {
  return (
    <div class="empty">
      <span class="empty-sign"><Icon name={icon} size={22} /></span>
      <h2>{title}</h2>
      {children}
    </div>
  );
}

// Where the page is: path and query of the address, which are all that a link needs.

import { useEffect, useState } from "preact/hooks";
import { BASE } from "./api.js";

const ROOT = BASE.replace(/\/$/, "");
const listeners = new Set();

/** The address *path* below the dashboard, with the *query* that has values. */
export function href(path, query = {}) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value) search.set(name, value);
  const text = search.toString();
  return `${ROOT}/${path}${text ? `?${text}` : ""}`;
}

/** Go to *path*; with *replace*, in place of where the page is. */
export function go(path, query = {}, { replace = false } = {}) {
  history[replace ? "replaceState" : "pushState"](null, "", href(path, query));
  for (const listener of listeners) listener();
}

function current() {
  let path = location.pathname;
  if (path.startsWith(ROOT)) path = path.slice(ROOT.length);
  const [page = "", ...rest] = path.split("/").filter(Boolean);
  const query = Object.fromEntries(new URLSearchParams(location.search));
  return { page: page || "live", id: decodeURIComponent(rest.join("/")), query };
}

/** `{page, id, query}` of the address, now and after every change of it. */
export function useRoute() {
  const [route, setRoute] = useState(current);
  useEffect(() => {
    const changed = () => setRoute(current());
    listeners.add(changed);
    addEventListener("popstate", changed);
    return () => {
      listeners.delete(changed);
      removeEventListener("popstate", changed);
    };
  }, []);
  return route;
}

/** Follow links within the dashboard without loading the page again. */
export function followLinks() {
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]");
    if (!link || event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const inside = link.pathname.startsWith(ROOT) && !link.pathname.startsWith(`${ROOT}/api/`);
    if (link.origin !== location.origin || !inside || link.target || link.download) return;
    if (link.hash && link.pathname === location.pathname) return;
    event.preventDefault();
    history.pushState(null, "", link.href);
    for (const listener of listeners) listener();
    scrollTo(0, 0);
  });
}

// The frame of every page: where one is, where one can go, and whether the server is there.

import { useState } from "preact/hooks";
import { post } from "../api.js";
import { duration } from "../format.js";
import { useKeys, useNow, useStreamState } from "../hooks.js";
import { keysOn, setKeysOn } from "../keys.js";
import { go, href } from "../route.js";
import { Dialog } from "./dialog.jsx";
import { Icon } from "./icons.jsx";
import { Patterns } from "./stages.jsx";
import { Toasts } from "./toast.jsx";

export const PAGES = [
  ["live", "Live", "l"], ["calls", "Calls", "c"], ["costs", "Cost", "o"], ["latency", "Latency", "t"], ["health", "Health", "h"],
];

export function Shell({ route, session, live, draining, onLogout, children }) {
  const [help, setHelp] = useState(false);
  useKeys({
    "?": (event) => {
      event.preventDefault();
      setHelp(true);
    },
    ...Object.fromEntries(PAGES.map(([page, , key]) => [`g ${key}`, (event) => {
      event.preventDefault();
      go(page);
    }])),
  });
  return (
    <div class="shell">
      <a class="skip" href="#main" onClick={skip}>Skip to content</a>
      <Patterns />
      <aside class="side">
        <a class="brand" href={href("live")}><Mark /><span>Patter</span></a>
        <nav aria-label="Pages">
          <ul>
            {PAGES.map(([page, label]) => (
              <li key={page}>
                <a href={href(page)} aria-current={route.page === page ? "page" : undefined}>
                  <Icon name={page} /><span>{label}</span>
                  {page === "live" && live > 0 && <span class="badge live-badge num"><span class="only-read">, now: </span>{live}</span>}
                </a>
              </li>
            ))}
          </ul>
        </nav>
        <div class="side-foot">
          <Server session={session} />
          <div class="side-buttons">
            <button type="button" class="ghost tiny" onClick={() => setHelp(true)} aria-label="Keyboard shortcuts" title="Keyboard shortcuts (?)"><Icon name="keys" /></button>
            {session.login && <button type="button" class="ghost tiny" onClick={() => post("logout").finally(onLogout)} aria-label="Log out" title="Log out"><Icon name="leave" /></button>}
          </div>
        </div>
      </aside>
      <main id="main" tabIndex={-1}>
        <Lost />
        {draining !== null && <p class="notice bad" role="status"><Icon name="warn" /><span>The server drains: it takes no new calls and ends when the last one is over.</span></p>}
        {session.insecure && <p class="notice bad"><Icon name="warn" /><span>Others can reach this dashboard, and no token is asked for. Set <code>dashboard_token=</code>.</span></p>}
        {children}
      </main>
      <Toasts />
      {help && <Help onClose={() => setHelp(false)} />}
    </div>
  );
}

function skip(event) {
  event.preventDefault();
  document.getElementById("main").focus();
}

/** Two speech marks, one heard and one not: the sign of Patter. */
export function Mark() {
  return (
    <svg class="mark" width="22" height="22" viewBox="0 0 22 22" aria-hidden="true">
      <rect x="1" y="4" width="4" height="14" rx="2" /><rect x="7" y="1" width="4" height="20" rx="2" />
      <rect x="13" y="6" width="4" height="10" rx="2" class="soft" /><rect x="18.5" y="8.5" width="2.5" height="5" rx="1.25" class="soft" />
    </svg>
  );
}

function Server({ session }) {
  const state = useStreamState();
  const word = { live: "connected", connecting: "connecting", lost: "no server" }[state.name];
  return (
    <p class="server" title={`patter ${session.version}`}>
      <span class={`lamp ${state.name}`} aria-hidden="true" />
      <span><strong>{session.agent || "patter"}</strong><small>{word}</small></span>
    </p>
  );
}

/** The server is gone: what is shown may be old, and the page looks for it by itself. */
function Lost() {
  const state = useStreamState();
  const lost = state.name === "lost";
  const now = useNow(lost);
  return (
    <div role="alert">
      {lost && (
        <p class="notice bad lost">
          <Icon name="warn" />
          <span>The server does not answer; what you see is of {duration(Math.max(0, now - state.since))} ago. Looking for it every 2 s.</span>
        </p>
      )}
    </div>
  );
}

const SHORTCUTS = [
  ["j, k", "next and previous call, or sentence"], ["Enter", "open"], ["/", "search words said"], ["n", "show new calls"],
  ["space", "play, pause"], [", and .", "5 s back and on"], ["Esc", "back, or close"],
  ...PAGES.map(([, label, key]) => [`g ${key}`, label]), ["?", "this list"],
];

function Help({ onClose }) {
  const [on, setOn] = useState(keysOn());
  const change = (event) => {
    setKeysOn(event.target.checked);
    setOn(event.target.checked);
  };
  return (
    <Dialog title="Keyboard shortcuts" onClose={onClose}>
      <dl class="keys">
        {SHORTCUTS.map(([key, text]) => <div key={key}><dt><kbd>{key}</kbd></dt><dd>{text}</dd></div>)}
      </dl>
      <label class="check"><input type="checkbox" role="switch" checked={on} onChange={change} /> Keys of one letter are on</label>
    </Dialog>
  );
}

// The page: who may see it, which part of it is asked for, and the calls of now.

import { render } from "preact";
import { useCallback, useEffect, useState } from "preact/hooks";
import { authorise, get } from "./api.js";
import { useReturn, useStream } from "./hooks.js";
import { listenForKeys } from "./keys.js";
import { NOTHING, applied, liveCount, loaded, swept } from "./live_calls.js";
import { Empty, Loading, Problem } from "./parts/feedback.jsx";
import { Shell } from "./parts/shell.jsx";
import { followLinks, href, useRoute } from "./route.js";
import { closeStream, openStream } from "./stream.js";
import { Call } from "./pages/call.jsx";
import { Calls } from "./pages/calls.jsx";
import { Costs } from "./pages/costs.jsx";
import { Health } from "./pages/health.jsx";
import { Latency } from "./pages/latency.jsx";
import { Live } from "./pages/live.jsx";
import { Login } from "./pages/login.jsx";

const PAGES = { live: Live, calls: Calls, costs: Costs, latency: Latency, health: Health };

function App() {
  const [session, setSession] = useState(null);
  const [error, setError] = useState(null);
  const ask = useCallback(() => {
    setError(null);
    get("session").then((answer) => {
      authorise(answer.csrf, () => {
        closeStream();
        setSession((old) => ({ ...old, authenticated: false, login: true }));
      });
      setSession(answer);
    }, setError);
  }, []);
  useEffect(ask, []);
  if (error && !session) return <main class="login" id="main"><Problem error={error} retry={ask} /></main>;
  if (!session) return <main class="login" id="main"><Loading rows={3} /></main>;
  if (!session.authenticated) return <Login onLogin={ask} />;
  return <Dashboard session={session} onLogout={ask} />;
}

function Dashboard({ session, onLogout }) {
  const route = useRoute();
  const live = useLive();
  useEffect(() => {
    openStream();
    return closeStream;
  }, []);
  useFocusOfPage(route);
  const Page = route.page === "calls" && route.id ? Call : PAGES[route.page];
  return (
    <Shell route={route} session={session} live={liveCount(live)} draining={live.draining} onLogout={onLogout}>
      {Page
        ? <Page key={route.page + route.id} id={route.id} query={route.query} session={session} live={live} />
        : <Empty title="There is no such page"><p><a class="button" href={href("live")}>To the live calls</a></p></Empty>}
    </Shell>
  );
}

/** The calls of now: loaded once, kept by events, loaded again when some may have been missed. */
function useLive() {
  const [state, setState] = useState(NOTHING);
  const [error, setError] = useState(null);
  const reload = useCallback(() => {
    get("live").then((answer) => {
      setError(null);
      setState((old) => loaded(old, answer));
    }, setError);
  }, []);
  useEffect(reload, []);
  useReturn(reload);
  useStream((batch) => {
    setState((old) => applied(old, batch));
    if (batch.some(({ name }) => name === "reset")) reload();
  });
  const sweep = useCallback((before, chosen) => setState((old) => swept(old, before, chosen)), []);
  return { ...state, error, reload, sweep };
}

/** After a change of page, keys and the screen reader begin at its top. */
function useFocusOfPage(route) {
  const [first, setFirst] = useState(true);
  useEffect(() => {
    if (first) return setFirst(false);
    document.getElementById("main").focus({ preventScroll: true });
    return undefined;
  }, [route.page, route.id]);
}

listenForKeys();
followLinks();
render(<App />, document.getElementById("app"));

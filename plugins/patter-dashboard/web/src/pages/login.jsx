// The token that this server asks for.

import { useState } from "preact/hooks";
import { post } from "../api.js";
import { useTitle } from "../hooks.js";
import { Mark } from "../parts/shell.jsx";

export function Login({ onLogin }) {
  useTitle("Log in");
  const [token, setToken] = useState("");
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(false);
  const send = async (event) => {
    event.preventDefault();
    setBusy(true);
    try {
      await post("login", { token: token.trim() });
      onLogin();
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  const wait = error?.retryAfter ? ` Try again in ${error.retryAfter} s.` : "";
  return (
    <main class="login" id="main">
      <form class="card" onSubmit={send}>
        <Mark />
        <h1>Dashboard</h1>
        <p class="muted">It asks for the token that this server was started with: <code>dashboard_token=</code> or <code>PATTER_DASHBOARD_TOKEN</code>.</p>
        <label class="field">Token
          <input type="password" name="token" autocomplete="current-password" required autoFocus value={token} onInput={(event) => setToken(event.target.value)}
            aria-invalid={error ? "true" : undefined} aria-describedby={error ? "login-error" : undefined} />
        </label>
        {error && <p id="login-error" class="bad-text" role="alert">{error.status === 401 ? "That is not the token." : error.message}{wait}</p>}
        <button type="submit" class="primary" disabled={busy}>Log in</button>
      </form>
    </main>
  );
}

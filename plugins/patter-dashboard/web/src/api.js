// Requests to the server: one place that knows the address, the CSRF header and errors.

export const BASE = new URL(".", import.meta.url).pathname;
const API = `${BASE}api/`;

/** What the server answered instead of what was asked for; `status` 0: no answer at all. */
export class ApiError extends Error {
  constructor(status, { code = "CONNECTION", message, fix = "" }) {
    super(message);
    this.name = "ApiError";
    Object.assign(this, { status, code, fix });
  }
}

let csrf = "";
let onLogout = () => {};

/** Called with the token of every later change, and with what to do when a login is needed. */
export function authorise(token, logout = onLogout) {
  csrf = token;
  onLogout = logout;
}

/** The address of *path* below the API, with *params* that have a value. */
export function address(path, params = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value !== "" && value !== null && value !== undefined) query.set(name, value);
  }
  const text = query.toString();
  return API + path + (text ? `?${text}` : "");
}

export const callPath = (id, rest = "") => `calls/${encodeURIComponent(id)}${rest}`;

/** GET *path*; its JSON. Throws ApiError, and AbortError when *signal* says so. */
export function get(path, params, signal) {
  return answer(address(path, params), { signal });
}

/** POST *body* to *path*; its JSON. Throws ApiError. */
export function post(path, body = {}) {
  return answer(API + path, change("POST", body));
}

/** Take the call *id* from every list. Throws ApiError. */
export function removeCall(id) {
  return answer(`/api/dashboard/calls/${encodeURIComponent(id)}`, change("DELETE"));
}

function change(method, body) {
  const headers = { "X-Patter-CSRF": csrf };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  return { method, headers, body: body === undefined ? undefined : JSON.stringify(body) };
}

async function answer(url, options) {
  let response;
  try {
    response = await fetch(url, { credentials: "same-origin", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, {
      message: "the server does not answer",
      fix: "see that it runs; this page looks for it again by itself",
    });
  }
  const json = await response.json().catch(() => null);
  if (response.ok && json) return json;
  const error = new ApiError(response.status, json?.error ?? {
    code: "INTERNAL",
    message: `the server answered ${response.status}`,
    fix: "its log says why",
  });
  error.retryAfter = Number(response.headers.get("Retry-After")) || 0;
  if (response.status === 401 && !url.endsWith("/login")) onLogout();
  throw error;
}

// Figures and times as people read them; the reader's own time zone and way of writing numbers.

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const clockExact = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
});
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const withYear = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long", year: "numeric" });
const shortDay = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", timeZone: "UTC" });
const longDay = new Intl.DateTimeFormat(undefined, {
  weekday: "short", day: "numeric", month: "short", timeZone: "UTC",
});
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "short" });
const whole = new Intl.NumberFormat("en");
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

export const NONE = "\u2013";

export const count = (value) => (value === null || value === undefined ? NONE : whole.format(value));
export const short = (value) => compact.format(value);
export const ms = (value) => (value === null || value === undefined ? NONE : whole.format(value));
export const plural = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;

/** Dollars; a price that is not known is said to be so, it is never 0. */
export function money(usd, digits) {
  if (usd === null || usd === undefined) return "unknown";
  return `$${usd.toFixed(digits ?? (Math.abs(usd) >= 10 || usd === 0 ? 2 : 3))}`;
}

const two = (number) => String(number).padStart(2, "0");

/** `0:51`, `1:02:03`. */
export function duration(length) {
  if (length === null || length === undefined) return NONE;
  const seconds = Math.max(0, Math.floor(length / 1_000));
  const [h, m, s] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** A moment of a call with tenths, cut and not rounded: `0:02.7`. */
export function stamp(at) {
  const tenths = Math.max(0, Math.floor(at / 100));
  return `${Math.floor(tenths / 600)}:${two(Math.floor(tenths / 10) % 60)}.${tenths % 10}`;
}

/** A length in words: `3 d 2 h`, `14 min`, `9 s`. */
export function span(length) {
  const seconds = Math.floor(length / 1_000);
  const [d, h, m] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3_600) % 24, Math.floor(seconds / 60) % 60];
  if (d) return h ? `${d} d ${h} h` : `${d} d`;
  if (h) return m ? `${h} h ${m} min` : `${h} h`;
  return m ? `${m} min` : `${seconds} s`;
}

export const timeOfDay = (iso) => clock.format(new Date(iso));
export const timeExact = (iso) => clockExact.format(new Date(iso));
export const fullTime = (iso) => full.format(new Date(iso));

/** The local day of *iso*, to group by. */
export function dayName(iso, now = Date.now()) {
  const date = new Date(iso);
  const days = Math.round((midnight(now) - midnight(date)) / 86_400_000);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  return new Date(now).getFullYear() === date.getFullYear() ? weekday.format(date) : withYear.format(date);
}

const midnight = (when) => new Date(when).setHours(0, 0, 0, 0);

/** `4 min. ago`, `yesterday`. */
export function ago(iso, now = Date.now()) {
  const seconds = (new Date(iso).getTime() - now) / 1_000;
  if (Math.abs(seconds) < 45) return "just now";
  for (const [unit, size] of [["day", 86_400], ["hour", 3_600], ["minute", 60]]) {
    if (Math.abs(seconds) >= size * 0.95 || unit === "minute") {
      return relative.format(Math.round(seconds / size), unit).replace(".", "");
    }
  }
  return "";
}

/** A day of the summary, which is a day of UTC. */
export const dayShort = (day) => shortDay.format(new Date(`${day}T00:00:00Z`));
export const dayLong = (day) => longDay.format(new Date(`${day}T00:00:00Z`));

export const bytes = (size) => {
  if (size < 1_024) return `${size} B`;
  return size < 1_048_576 ? `${Math.round(size / 1_024)} KB` : `${(size / 1_048_576).toFixed(1)} MB`;
};

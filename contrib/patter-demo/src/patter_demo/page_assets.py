"""How the page of a call looks and moves; it fetches nothing and keeps nothing."""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #17201d; --soft: #56605c; --edge: #d3dad7;
  --back: #eef1f0; --blue: #00639c; --blue-soft: #e2f0fa; --green: #00694c; --green-soft: #ddf2ea;
  --red: #a8321a; --on: #fff3c4; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #181f1d; --ink: #eef3f1; --soft: #a9b5b0; --edge: #34403b; --back: #0f1413;
    --blue: #7cc4f5; --blue-soft: #16324a; --green: #56d1a6; --green-soft: #123a2e;
    --red: #ff9a7d; --on: #4a3d10; }
  #picture svg, #lanes { filter: invert(.9) hue-rotate(180deg); }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 20px; }
h1 { font-size: 22px; line-height: 1.3; margin: 0; }
h2 { font-size: 15px; margin: 22px 0 8px; color: var(--soft); }
#facts { display: flex; flex-wrap: wrap; gap: 2px 22px; margin: 6px 0 14px; color: var(--soft);
  font-size: 14px; font-variant-numeric: tabular-nums; }
#facts div { display: flex; gap: 6px; min-width: 0; overflow-wrap: anywhere; }
#facts dd { margin: 0; color: var(--ink); }
.card { background: var(--paper); border: 1px solid var(--edge); border-radius: 14px;
  padding: 12px; }
audio { width: 100%; display: block; }
#scroll { overflow-x: auto; position: relative; scrollbar-width: thin; }
#picture { position: relative; min-width: 1100px; }
#picture svg { width: 100%; height: auto; display: block; cursor: crosshair; }
#cursor { position: absolute; top: 0; bottom: 0; width: 2px; background: #D55E00;
  pointer-events: none; }
#lanes { display: none; position: sticky; left: 0; width: 0; height: 0; z-index: 1; }
#lanes span { position: absolute; left: 0; transform: translateY(-50%); font-size: 12px;
  color: #222; background: #ffffffd9; padding: 0 4px; border-radius: 4px; }
ol { list-style: none; margin: 0; padding: 0; }
li { margin: 2px 0; }
li button { font: inherit; color: inherit; text-align: left; width: 100%; padding: 7px 12px;
  border: 0; border-radius: 10px; cursor: pointer; display: grid; column-gap: 12px;
  grid-template-columns: 62px 62px minmax(0, 1fr); background: none; }
li button:hover { outline: 1px solid var(--edge); }
li button:focus-visible { outline: 3px solid var(--blue); }
li.agent button { background: var(--green-soft); }
li.caller button { background: var(--blue-soft); }
li.agent b { color: var(--green); }
li.caller b { color: var(--blue); }
li button[aria-current=true] { background: var(--on); }
li.event { color: var(--soft); font-size: 14px; padding: 1px 12px; display: grid; column-gap: 12px;
  grid-template-columns: 62px 62px minmax(0, 1fr); overflow-wrap: anywhere; }
li.error, li.fix { color: var(--red); }
time { font-variant-numeric: tabular-nums; color: var(--soft); }
b { font-weight: 650; }
s { text-decoration-style: wavy; text-decoration-thickness: 1px; color: var(--soft); }
@media (max-width: 700px) {
  main { padding: 10px; }
  h1 { font-size: 18px; }
  .card { padding: 8px; border-radius: 10px; }
  #lanes { display: block; }
  li button, li.event { grid-template-columns: 52px minmax(0, 1fr); padding-left: 8px;
    padding-right: 8px; }
  li .what { grid-column: 1 / -1; }
}
"""

SCRIPT = """
const audio = document.querySelector("audio");
const said = [...document.querySelectorAll("li button")];
const cursor = document.getElementById("cursor");
const scroll = document.getElementById("scroll");
const lanes = document.getElementById("lanes");
const picture = document.querySelector("#picture svg");
const axis = picture && picture.querySelector("#axis-area");
const length = Number(document.body.dataset.length);

function play(at) {
  audio.currentTime = at;
  audio.play().catch(() => {});
}
for (const each of said) {
  each.addEventListener("click", () => play(Number(each.dataset.at)));
}
function area() {
  const box = axis.getBoundingClientRect(), outer = picture.getBoundingClientRect();
  return { left: box.left - outer.left, wide: box.width, from: box.left };
}
if (axis) {
  picture.addEventListener("click", (event) => {
    const { from, wide } = area();
    const share = (event.clientX - from) / wide;
    if (share >= 0 && share <= 1) play(share * length);
  });
}
function nameLanes() {
  if (!picture) return;
  const top = picture.getBoundingClientRect().top;
  lanes.replaceChildren(...[...picture.querySelectorAll("[id^=lane-]")].map((label) => {
    const box = label.getBoundingClientRect(), name = document.createElement("span");
    name.textContent = label.id.slice(5);
    name.style.top = box.top + box.height / 2 - top + "px";
    return name;
  }));
}
function follow() {
  const now = audio.currentTime;
  for (const each of said) {
    const on = now >= Number(each.dataset.at) && now < Number(each.dataset.until);
    each.setAttribute("aria-current", on);
  }
  if (axis) {
    const { left, wide } = area();
    const x = left + wide * Math.min(1, now / length);
    cursor.style.left = x + "px";
    if (!audio.paused) scroll.scrollLeft = x - scroll.clientWidth / 2;
  }
  if (!audio.paused) requestAnimationFrame(follow);
}
audio.addEventListener("play", follow);
audio.addEventListener("timeupdate", follow);
addEventListener("resize", () => { nameLanes(); follow(); });
nameLanes();
follow();
"""

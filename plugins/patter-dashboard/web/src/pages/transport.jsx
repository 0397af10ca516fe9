// The controls of the recording; they stay in sight while the transcript is read.

import { useEffect, useState } from "preact/hooks";
import { stamp } from "../format.js";
import { Icon } from "../parts/icons.jsx";

const RATES = [1, 1.5, 2, 0.75];

/** What *pick* takes of the player, drawn again only when that changes. */
export function usePlayer(player, pick) {
  const [value, setValue] = useState(() => pick(player));
  useEffect(() => {
    const look = () => setValue(() => pick(player));
    look();
    return player.watch(look);
  }, [player]);
  return value;
}

export function Transport({ player, call }) {
  const playing = usePlayer(player, (each) => each.playing);
  const tenth = usePlayer(player, (each) => Math.floor(each.at / 100));
  const rate = usePlayer(player, (each) => each.rate);
  const canPlay = usePlayer(player, (each) => each.canPlay);
  const next = () => player.speed(RATES[(RATES.indexOf(rate) + 1) % RATES.length]);
  return (
    <div class="transport">
      <button type="button" class="play" disabled={!canPlay} aria-label={playing ? "Pause" : "Play"} onClick={() => player.toggle()}>
        <Icon name={playing ? "pause" : "play"} />
      </button>
      <span class="num transport-time"><strong>{stamp(tenth * 100)}</strong> / {stamp(call.length_ms)}</span>
      {canPlay && <button type="button" class="ghost tiny num" onClick={next} aria-label={`Speed ${rate} times`}>{rate}×</button>}
      {!canPlay && <span class="muted small-text">{silence(player, call)}</span>}
    </div>
  );
}

function silence(player, call) {
  if (player.failed) return "The recording cannot be played here.";
  if (call.call.live) return "The recording can be played when the call is over.";
  return "No recording of this call. patter serve --recording keeps one.";
}

// Listening in: the audio of a live call from the server's socket to the loudspeaker.

import { ApiError, address, callPath } from "./api.js";

const AHEAD_S = 0.15;
const HEADER_BYTES = 5;
const [CALLER, AGENT] = [0, 1];
const PAN = { [CALLER]: -0.6, [AGENT]: 0.6 };
const HELD = 50;

/** Plays the call *id* until it is closed, by either side; then *onEnd* is called, with an error if it failed. */
export class Listener {
  constructor(id, onEnd) {
    this.onEnd = onEnd;
    this.context = new AudioContext();
    this.rate = 8_000;
    this.begin = null;
    this.held = [];
    this.ahead = new Map();
    this.sides = [CALLER, AGENT].map((side) => {
      const panner = this.context.createStereoPanner();
      panner.pan.value = PAN[side];
      panner.connect(this.context.destination);
      return panner;
    });
    const url = new URL(address(callPath(id, "/listen")), location.href);
    url.protocol = url.protocol.replace("http", "ws");
    this.socket = new WebSocket(url);
    this.socket.binaryType = "arraybuffer";
    this.socket.onmessage = ({ data }) => this.hear(data);
    this.socket.onclose = ({ code }) => this.over(code);
  }

  hear(data) {
    if (typeof data === "string") {
      this.rate = JSON.parse(data).rate_hz;
      return;
    }
    const view = new DataView(data);
    const [side, at] = [view.getUint8(0), view.getUint32(1, true) / 1_000];
    const samples = new Int16Array(data.slice(HEADER_BYTES, data.byteLength - ((data.byteLength - HEADER_BYTES) % 2)));
    if (samples.length) this.take(side, at, samples);
    else if (side === AGENT) this.cut(at);
  }

  /**
   * The agent is sent ahead of its time, the caller as it speaks: the caller tells what time it is,
   * unless nothing comes from there.
   */
  take(side, at, samples) {
    if (this.begin === null && side === AGENT && this.held.length < HELD) {
      this.held.push([side, at, samples]);
      return;
    }
    this.play(side, at, samples);
    for (const piece of this.held.splice(0)) this.play(...piece);
  }

  /** Both sides keep the distance that they have in the call; a late caller moves the beginning on. */
  play(side, at, samples) {
    const now = this.context.currentTime;
    if (this.begin === null || (side === CALLER && this.begin + at < now)) this.begin = now + AHEAD_S - at;
    const buffer = this.context.createBuffer(1, samples.length, this.rate);
    buffer.copyToChannel(Float32Array.from(samples, (sample) => sample / 32_768), 0);
    const source = this.context.createBufferSource();
    source.buffer = buffer;
    source.connect(this.sides[side] ?? this.sides[CALLER]);
    source.start(Math.max(now, this.begin + at));
    if (side !== AGENT) return;
    this.ahead.set(source, at);
    source.onended = () => this.ahead.delete(source);
  }

  /** The agent was interrupted: what was to be heard from *at* on never will be. */
  cut(at) {
    this.held = this.held.filter(([, each]) => each < at);
    for (const [source, each] of this.ahead) if (each >= at) source.stop();
  }

  /** Silence at once; a server that does not answer the close is not waited for. */
  close() {
    this.socket.onmessage = null;
    this.socket.close();
    this.over(1000);
  }

  over(code) {
    if (!this.onEnd) return;
    const failed = code !== 1000 && code !== 1005;
    this.context.close();
    this.onEnd(failed ? new ApiError(code, { message: "listening in has ended", fix: "choose the call and listen again" }) : null);
    this.onEnd = null;
  }
}

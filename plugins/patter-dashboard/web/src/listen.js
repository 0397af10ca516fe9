// Listening in: the audio of a live call from the server's socket to the loudspeaker.

import { ApiError, address, callPath } from "./api.js";

const AHEAD_S = 0.15;
const HEADER_BYTES = 5;
const PAN = { 0: -0.6, 1: 0.6 };

/** Plays the call *id* until it is closed, by either side; then *onEnd* is called, with an error if it failed. */
export class Listener {
  constructor(id, onEnd) {
    this.onEnd = onEnd;
    this.context = new AudioContext();
    this.rate = 8_000;
    this.begin = null;
    this.sides = [0, 1].map((side) => {
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
    const samples = new Int16Array(data.slice(HEADER_BYTES, data.byteLength - ((data.byteLength - HEADER_BYTES) % 2)));
    if (samples.length) this.play(view.getUint8(0), view.getUint32(1, true) / 1_000, samples);
  }

  /** Both sides keep the distance that they have in the call; late audio moves the beginning on. */
  play(side, at, samples) {
    const now = this.context.currentTime;
    if (this.begin === null || this.begin + at < now) this.begin = now + AHEAD_S - at;
    const buffer = this.context.createBuffer(1, samples.length, this.rate);
    buffer.copyToChannel(Float32Array.from(samples, (sample) => sample / 32_768), 0);
    const source = this.context.createBufferSource();
    source.buffer = buffer;
    source.connect(this.sides[side] ?? this.sides[0]);
    source.start(this.begin + at);
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

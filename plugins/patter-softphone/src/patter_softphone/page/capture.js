// The microphone as mu-law frames of 20 ms: always as many as time has passed, silence included.

import { FRAME, RATE, Resampler, SILENCE, encode } from "./audio.js";

class Capture extends AudioWorkletProcessor {
  constructor() {
    super();
    this.resampler = new Resampler(sampleRate, RATE);
    this.frame = new Uint8Array(FRAME);
    this.filled = 0;
    this.peak = 0;
    this.open = true;
    this.port.onmessage = ({ data }) => {
      this.open = data.open;
    };
  }

  process(inputs, outputs) {
    const heard = inputs[0]?.[0] ?? new Float32Array(outputs[0][0].length);
    for (const level of this.resampler.push(heard)) {
      this.put(level);
    }
    return true;
  }

  put(level) {
    this.frame[this.filled] = this.open ? encode(level) : SILENCE;
    this.peak = Math.max(this.peak, this.open ? Math.abs(level) : 0);
    this.filled += 1;
    if (this.filled === FRAME) {
      this.port.postMessage({ frame: this.frame.buffer, peak: this.peak }, [this.frame.buffer]);
      this.frame = new Uint8Array(FRAME);
      this.filled = 0;
      this.peak = 0;
    }
  }
}

registerProcessor("capture", Capture);

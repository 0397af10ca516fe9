// The agent's voice: what arrives unevenly is played evenly, and every mark says when it was.

import { RATE, Resampler, decode } from "./audio.js";

const CUSHION_S = 0.06;
const QUIET_S = 0.25;
const AUDIBLE = 0.004;

class Playback extends AudioWorkletProcessor {
  constructor() {
    super();
    this.resampler = new Resampler(RATE, sampleRate);
    this.queue = [];
    this.offset = 0;
    this.received = 0;
    this.played = 0;
    this.marks = [];
    this.paused = false;
    this.startAt = null;
    this.flowing = false;
    this.soundAt = -1;
    this.speaking = false;
    this.port.onmessage = ({ data }) => this[data.do](data);
  }

  audio({ bytes }) {
    const samples = this.resampler.push(decode(new Uint8Array(bytes)));
    this.queue.push(samples);
    this.received += samples.length;
    this.startAt ??= currentTime + CUSHION_S;
  }

  mark({ name }) {
    this.marks.push({ at: this.received, name });
    this.answerMarks();
  }

  clear() {
    this.queue = [];
    this.offset = 0;
    this.played = this.received;
    this.rest();
    this.answerMarks();
  }

  pause({ on }) {
    this.paused = on;
  }

  process(_, outputs) {
    const out = outputs[0][0];
    if (!this.paused && this.ready()) {
      this.fill(out);
      this.answerMarks();
    }
    this.tellSpeaking(out);
    return true;
  }

  ready() {
    if (this.queue.length > 0 && !this.flowing) {
      this.flowing = this.received - this.played >= CUSHION_S * sampleRate || currentTime >= this.startAt;
    }
    return this.flowing;
  }

  fill(out) {
    let made = 0;
    while (made < out.length && this.queue.length > 0) {
      const head = this.queue[0];
      const taken = head.subarray(this.offset, this.offset + out.length - made);
      out.set(taken, made);
      made += taken.length;
      this.offset += taken.length;
      if (this.offset >= head.length) {
        this.queue.shift();
        this.offset = 0;
      }
    }
    this.played += made;
    if (made < out.length) {
      this.rest();
    }
  }

  rest() {
    this.flowing = false;
    this.startAt = null;
  }

  answerMarks() {
    while (this.marks.length > 0 && this.marks[0].at <= this.played) {
      this.port.postMessage({ mark: this.marks.shift().name });
    }
  }

  tellSpeaking(out) {
    if (out.some((level) => Math.abs(level) > AUDIBLE)) {
      this.soundAt = currentTime;
    }
    const speaking = this.soundAt >= 0 && currentTime - this.soundAt < QUIET_S;
    if (speaking !== this.speaking) {
      this.speaking = speaking;
      this.port.postMessage({ speaking });
    }
  }
}

registerProcessor("playback", Playback);

// Mu-law and sample rates: the arithmetic that capture and playback share. No Web Audio here.

export const RATE = 8000;
export const FRAME = 160;
export const SILENCE = 0xff;

const BIAS = 0x84;
const CLIP = 32635;

/** A sample of -32768..32767 as one mu-law byte. */
export function encodeSample(pcm) {
  const sign = pcm < 0 ? 0x80 : 0;
  const size = Math.min(Math.abs(pcm), CLIP) + BIAS;
  const exponent = 24 - Math.clz32(size);
  const mantissa = (size >> (exponent + 3)) & 0x0f;
  return ~(sign | (exponent << 4) | mantissa) & 0xff;
}

/** One mu-law byte as a sample of -32124..32124. */
export function decodeSample(byte) {
  const bits = ~byte & 0xff;
  const size = ((((bits & 0x0f) << 3) + BIAS) << ((bits >> 4) & 7)) - BIAS;
  return bits & 0x80 ? -size : size;
}

const TABLE = Float32Array.from({ length: 256 }, (_, byte) => decodeSample(byte) / 32768);

/** Mu-law bytes as floats of -1..1. */
export function decode(bytes) {
  return Float32Array.from(bytes, (byte) => TABLE[byte]);
}

/** A float of -1..1 as one mu-law byte. */
export function encode(level) {
  return encodeSample(Math.round(Math.max(-1, Math.min(1, level)) * 32767));
}

const PHASES = 128;
const LOBES = 8;

/** A stream of samples at one rate as a stream at another, through a windowed sinc. */
export class Resampler {
  constructor(from, to) {
    this.step = from / to;
    const cutoff = Math.min(1, to / from) * 0.92;
    this.half = Math.ceil(LOBES / cutoff);
    this.rows = Array.from({ length: PHASES + 1 }, (_, phase) =>
      kernel(phase / PHASES, this.half, cutoff),
    );
    this.past = new Float32Array(2 * this.half);
    this.at = this.half;
  }

  /** The samples that *input* completes. */
  push(input) {
    const known = new Float32Array(this.past.length + input.length);
    known.set(this.past);
    known.set(input, this.past.length);
    const made = [];
    while (Math.floor(this.at) + this.half < known.length) {
      made.push(this.sampleAt(known, this.at));
      this.at += this.step;
    }
    const keep = known.length - this.past.length;
    this.past = known.slice(keep);
    this.at -= keep;
    return Float32Array.from(made);
  }

  sampleAt(known, at) {
    const whole = Math.floor(at);
    const row = this.rows[Math.round((at - whole) * PHASES)];
    let sum = 0;
    for (let tap = 0; tap < row.length; tap += 1) {
      sum += row[tap] * known[whole - this.half + 1 + tap];
    }
    return sum;
  }
}

function kernel(phase, half, cutoff) {
  const taps = Float32Array.from({ length: 2 * half }, (_, tap) => {
    const distance = tap - half + 1 - phase;
    const angle = Math.PI * cutoff * distance;
    const sinc = angle === 0 ? 1 : Math.sin(angle) / angle;
    const window = 0.5 + 0.5 * Math.cos((Math.PI * distance) / (half + 1));
    return sinc * window;
  });
  const total = taps.reduce((sum, tap) => sum + tap, 0);
  return taps.map((tap) => tap / total);
}

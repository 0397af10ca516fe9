// The moment of a call that is looked at: that of the audio, or of the last click without any.

/** A cursor over *length* milliseconds, in step with the recording at *url* if there is one. */
export class Player {
  constructor(length, url) {
    this.length = length;
    this.at = 0;
    this.playing = false;
    this.rate = 1;
    this.failed = false;
    this.readers = new Set();
    this.audio = null;
    if (url) this.load(url);
  }

  load(url) {
    const audio = new Audio();
    // Nothing of it before it is played: a browser reads megabytes of a WAV for its length alone,
    // and the page counts as loading for as long.
    audio.preload = "none";
    audio.src = url;
    audio.addEventListener("play", () => this.changed({ playing: true }));
    audio.addEventListener("pause", () => this.changed({ playing: false }));
    audio.addEventListener("error", () => this.changed({ failed: true, playing: false }));
    this.audio = audio;
  }

  /** Call *reader* with this player whenever something about it changes. */
  watch(reader) {
    this.readers.add(reader);
    return () => this.readers.delete(reader);
  }

  changed(values) {
    Object.assign(this, values);
    for (const reader of this.readers) reader(this);
    if (this.playing) this.follow();
  }

  /** While it plays, the cursor moves with every frame of the screen. */
  follow() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => {
      if (!this.playing) return;
      // Until a jump is done, the audio still says where it was.
      this.changed(this.audio.seeking ? {} : { at: this.audio.currentTime * 1_000 });
    });
  }

  /** Go to *at*, in milliseconds of the call; before the audio is there, it begins there. */
  seek(at) {
    const to = Math.max(0, Math.min(this.length, at));
    if (this.canPlay) this.audio.currentTime = to / 1_000;
    this.changed({ at: to });
  }

  get canPlay() {
    return this.audio !== null && !this.failed;
  }

  toggle() {
    if (!this.canPlay) return;
    if (this.playing) this.audio.pause();
    else this.audio.play().catch(() => this.changed({ failed: true }));
  }

  /** Play from *at*, or only go there when nothing can be played. */
  playFrom(at) {
    this.seek(at);
    if (this.canPlay && !this.playing) this.toggle();
  }

  speed(rate) {
    this.rate = rate;
    if (this.audio) this.audio.playbackRate = rate;
    this.changed({});
  }

  close() {
    this.readers.clear();
    cancelAnimationFrame(this.frame);
    if (!this.audio) return;
    this.audio.pause();
    this.audio.removeAttribute("src");
    this.audio.load();
  }
}

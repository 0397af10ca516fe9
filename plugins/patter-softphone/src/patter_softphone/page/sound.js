// Microphone and loudspeaker of one call, behind two worklets.

const MICROPHONE = {
  audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true },
};

export class Sound {
  /** Ready to play and, once a microphone is allowed, to listen. */
  static async open(heard) {
    const context = new AudioContext({ latencyHint: "interactive" });
    await Promise.all(
      ["capture", "playback"].map((name) => context.audioWorklet.addModule(`/softphone/${name}.js`)),
    );
    await context.resume();
    return new Sound(context, heard);
  }

  constructor(context, { onFrame, onMark, onSpeaking }) {
    this.context = context;
    this.stream = null;
    this.capture = new AudioWorkletNode(context, "capture", { channelCount: 1 });
    this.playback = new AudioWorkletNode(context, "playback", {
      numberOfInputs: 0,
      outputChannelCount: [1],
    });
    // A node is only run while it leads somewhere; the capture's own output is silence.
    this.capture.connect(context.destination);
    this.playback.connect(context.destination);
    this.capture.port.onmessage = ({ data }) => onFrame(data.frame, data.peak);
    this.playback.port.onmessage = ({ data }) => {
      if (data.mark !== undefined) {
        setTimeout(() => onMark(data.mark), this.latencyMs());
      } else {
        onSpeaking(data.speaking);
      }
    };
  }

  latencyMs() {
    return 1000 * (this.context.outputLatency || this.context.baseLatency || 0);
  }

  /** Ask for the microphone; rejects with the browser's own error when it is refused. */
  async listen() {
    this.stream = await navigator.mediaDevices.getUserMedia(MICROPHONE);
    if (this.context.state === "closed") {
      this.release();
      return;
    }
    this.context.createMediaStreamSource(this.stream).connect(this.capture);
  }

  play(bytes) {
    this.playback.port.postMessage({ do: "audio", bytes }, [bytes]);
  }

  mark(name) {
    this.playback.port.postMessage({ do: "mark", name });
  }

  clear() {
    this.playback.port.postMessage({ do: "clear" });
  }

  openMicrophone(open) {
    this.capture.port.postMessage({ open });
  }

  pause(on) {
    this.playback.port.postMessage({ do: "pause", on });
  }

  release() {
    this.stream?.getTracks().forEach((track) => track.stop());
  }

  async close() {
    this.release();
    if (this.context.state !== "closed") {
      await this.context.close();
    }
  }
}

// One call's connection: rings, carries frames both ways, comes back once when it breaks.

const RETRY_MS = [300, 1000];
const STALE_BYTES = 24000;
const FINAL = new Map([
  [1009, "A frame was too large for the server."],
  [4400, "The server did not understand this page."],
  [4408, "This page does not keep up with the call."],
  [4429, "The server takes no more calls now."],
  [4500, "The server could not start the call."],
]);

export async function hello() {
  const answer = await fetch("/webhooks/softphone/hello", { cache: "no-store" });
  return answer.json();
}

export class Line {
  /** *on* has: audio, mark, clear, start, call, error, lost, over. */
  constructor(on) {
    this.on = on;
    this.socket = null;
    this.path = "";
    this.callId = "";
    this.tries = 0;
    this.done = false;
    this.endedFrame = null;
  }

  /** Ask for a call and connect its media. Rejects with words for the caller. */
  async ring(variables) {
    const answer = await fetch("/webhooks/softphone/call", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ caller: "browser", variables }),
    });
    const said = await answer.json();
    if (said.error) {
      throw new Error(`${said.error.message}. ${said.error.fix}`);
    }
    this.path = said.media_path;
    this.callId = said.call_id;
    if (this.done) {
      return;
    }
    this.connect();
  }

  connect() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}${this.path}`);
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => this.receive(data);
    socket.onclose = ({ code, reason }) => this.closed(socket, code, reason);
    this.socket = socket;
  }

  receive(data) {
    if (typeof data !== "string") {
      this.on.audio(data);
      return;
    }
    const frame = JSON.parse(data);
    switch (frame.event) {
      case "start":
        this.tries = 0;
        return this.on.start(frame);
      case "mark":
        return this.on.mark(frame.name);
      case "clear":
        return this.on.clear();
      case "call":
        return this.on.call(frame.data);
      case "error":
        return this.on.error(`${frame.message}. ${frame.fix}`);
      case "ended":
        this.endedFrame = frame;
        return undefined;
      default:
        return undefined;
    }
  }

  sendAudio(frame) {
    if (this.socket?.readyState !== WebSocket.OPEN) {
      return;
    }
    if (this.socket.bufferedAmount > STALE_BYTES) {
      this.abandon();
      return;
    }
    this.socket.send(frame);
  }

  say(frame) {
    if (this.socket?.readyState === WebSocket.OPEN) {
      this.socket.send(JSON.stringify(frame));
    }
  }

  /** A socket that still connects is told once it is open: the server has a call for it. */
  hangUp() {
    this.done = true;
    if (this.socket?.readyState === WebSocket.CONNECTING) {
      this.socket.onopen = () => this.hangUp();
    }
    this.say({ event: "hangup", reason: "the caller ended it" });
  }

  /** The page is done with this call: what its socket still brings is not shown. */
  leave() {
    if (this.socket) {
      this.socket.onmessage = null;
    }
  }

  /** A socket that no longer drains is lost, whatever its state says. */
  abandon() {
    const socket = this.socket;
    socket.onclose = null;
    socket.onmessage = null;
    socket.close();
    this.closed(socket, 1006, "");
  }

  closed(socket, code, reason) {
    if (socket !== this.socket) {
      return;
    }
    this.socket = null;
    if (this.endedFrame || this.done || code === 1000) {
      this.on.over({ how: "ended", reason: this.endedFrame?.reason ?? "" });
    } else if (code === 4401 && this.tries === 0) {
      this.on.over({ how: "refused", reason });
    } else if (FINAL.has(code)) {
      this.on.over({ how: "refused", reason: FINAL.get(code) });
    } else {
      this.comeBack();
    }
  }

  comeBack() {
    const wait = RETRY_MS[this.tries];
    if (wait === undefined) {
      this.on.over({ how: "gone", reason: "" });
      return;
    }
    this.tries += 1;
    this.on.lost();
    setTimeout(() => (this.done ? this.on.over({ how: "ended", reason: "" }) : this.connect()), wait);
  }
}

// The bad line panel: what its controls say, sent whenever one of them changes.

const ECHO_OFF = -41;

export class Faults {
  constructor(form, send) {
    this.form = form;
    this.send = send;
    form.addEventListener("input", () => this.label());
    form.addEventListener("change", () => this.send(this.frame()));
    form.addEventListener("submit", (event) => event.preventDefault());
    this.label();
  }

  values() {
    const { loss, jitter, echo, seed } = this.form.elements;
    return {
      loss_percent: Number(loss.value),
      jitter_ms: Number(jitter.value),
      echo_db: Number(echo.value) <= ECHO_OFF ? null : Number(echo.value),
      seed: Math.trunc(Number(seed.value)) || 0,
    };
  }

  frame() {
    return { event: "faults", ...this.values() };
  }

  /** Is there anything to tell a call that has just begun? */
  active() {
    const { loss_percent: loss, jitter_ms: jitter, echo_db: echo } = this.values();
    return loss > 0 || jitter > 0 || echo !== null;
  }

  label() {
    const { loss_percent: loss, jitter_ms: jitter, echo_db: echo } = this.values();
    this.form.elements.lossSays.value = `${loss} %`;
    this.form.elements.jitterSays.value = `${jitter} ms`;
    this.form.elements.echoSays.value = echo === null ? "off" : `${echo} dB`;
    this.form.elements.echo.setAttribute("aria-valuetext", echo === null ? "off" : `${echo} decibels`);
  }
}

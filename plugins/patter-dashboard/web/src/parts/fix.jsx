// One thing to do, as an error or a check says it, and a button that copies it.

import { useState } from "preact/hooks";
import { Icon } from "./icons.jsx";

export function Fix({ text }) {
  return (
    <p class="fix">
      <span class="fix-word">fix</span>
      <code>{text}</code>
      <Copy text={text} />
    </p>
  );
}

export function Copy({ text, label = "Copy" }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard?.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 1_500);
  };
  return (
    <button type="button" class="ghost tiny" onClick={copy} aria-label={copied ? "Copied" : label} title={label}>
      <Icon name={copied ? "check" : "copy"} size={14} />
    </button>
  );
}

"use strict";
// Everything works without this file; it adds what only a script can do.
(() => {
  document.documentElement.classList.add("js");

  // The Content-Security-Policy allows one Trusted Types policy, by this name.
  // What htmx inserts comes from our own templates, which escape.
  htmx.registerExtension("trusted-types", {
    init: (api) => {
      if (window.trustedTypes) api.initSecurity(trustedTypes.createPolicy("htmx", { createHTML: (s) => s }));
    },
  });

  const say = (text) => {
    const status = document.getElementById("announcer");
    if (status) status.textContent = text;
  };

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch {
      const area = document.createElement("textarea");
      area.value = button.dataset.copy;
      area.setAttribute("readonly", "");
      area.className = "visually-hidden";
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
      button.focus();
    }
    const before = button.textContent;
    button.textContent = "Copied";
    say("Copied to the clipboard");
    setTimeout(() => { button.textContent = before; }, 1600);
  });

  // A refused form shows its summary; the reader should be there, as at what
  // a button brought about.
  const lead = () => {
    const to = document.querySelector("[data-focus]") ?? document.getElementById("problems");
    to?.removeAttribute("data-focus");
    to?.focus();
  };
  lead();

  document.addEventListener("htmx:before:request", (e) => e.target.closest?.("main, form")?.setAttribute("aria-busy", "true"));
  document.addEventListener("htmx:finally:request", () => document.querySelectorAll("[aria-busy]").forEach((n) => n.removeAttribute("aria-busy")));
  document.addEventListener("htmx:after:swap", lead);

  // Where the end falls, while the start is typed.
  const typing = () => {
    const out = document.getElementById("ends");
    const [d, t, m] = ["start_date", "start_time", "duration"].map((n) => document.getElementById(n)?.value);
    if (!out || !d || !t || !/^\d+$/.test(m || "")) return;
    const end = new Date(Date.parse(d + "T" + t + "Z") + m * 60000);
    if (!isNaN(end)) out.textContent = "Ends " + end.toISOString().slice(11, 16);
  };
  document.addEventListener("input", typing);
})();

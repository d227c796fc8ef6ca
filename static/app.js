"use strict";
// Everything works without this file, too.
(() => {
  // The one Trusted Types policy that is allowed. What htmx inserts comes from
  // our own templates, which escape.
  htmx.registerExtension("trusted-types", {
    init: (api) => {
      if (window.trustedTypes) api.initSecurity(trustedTypes.createPolicy("htmx", { createHTML: (s) => s }));
    },
  });

  const byID = (id) => document.getElementById(id);
  const on = document.addEventListener.bind(document);
  const say = (text) => byID("announcer")?.replaceChildren(text);

  on("click", async (e) => {
    const button = e.target.closest("[data-copy]");
    if (!button) return;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch {
      const area = document.createElement("textarea");
      area.value = button.dataset.copy;
      area.readOnly = true;
      area.className = "visually-hidden";
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
      button.focus();
    }
    say("Copied to the clipboard");
    if (button.textContent === "Copied") return;
    const label = [...button.childNodes];
    button.replaceChildren("Copied");
    setTimeout(() => button.replaceChildren(...label), 1600);
  });

  // To what a button brought about, or why a form was refused.
  const lead = () => {
    const to = document.querySelector("[data-focus]") ?? byID("problems");
    to?.removeAttribute("data-focus");
    to?.focus();
  };
  lead();

  on("htmx:before:request", (e) => {
    // What waits stays as it is while nobody sees it, or somebody works in it.
    if (e.target.id !== "waiting") e.target.closest?.("main, form")?.setAttribute("aria-busy", true);
    else if (document.hidden || document.activeElement.closest("#results :is(details, form)")) e.preventDefault();
  });
  on("htmx:finally:request", () => document.querySelectorAll("[aria-busy]").forEach((n) => (n.ariaBusy = null)));
  on("htmx:after:swap", lead);

  // Seconds that the server wrote are counted down, in its own words.
  setInterval(() => {
    for (const left of document.querySelectorAll("[data-left]")) {
      const n = Math.max(0, left.dataset.left - 1);
      left.dataset.left = n;
      left.textContent = n === 0 ? "now" : n === 1 ? "in 1 second" : `in ${n} seconds`;
    }
  }, 1000);

  // Where the end falls on the zone's clock, if that reads the start once.
  const value = (id) => byID(id)?.value ?? "";
  const wall = (at) => Date.parse(new Date(at).toLocaleString("sv", { timeZone: value("time_zone") }).replace(" ", "T") + "Z");
  const ends = () => {
    const day = value("start_date"), naive = Date.parse(day + "T" + value("start_time") + "Z"), minutes = value("duration").trim();
    if (isNaN(naive) || !/^\d{1,4}$/.test(minutes) || value("meeting_type") === "recurring") return "";
    const starts = new Set([-936e5, 936e5].map((off) => 2 * naive + off - wall(naive + off)).filter((at) => wall(at) === naive));
    if (starts.size !== 1) return "";
    const end = new Date(wall([...starts][0] + minutes * 6e4)), text = end.toISOString();
    return "Ends " + (text.startsWith(day) ? "" : end.toLocaleString("en", { weekday: "long", timeZone: "UTC" }) + " ") + text.slice(11, 16);
  };

  // How long the subject is as GoTo counts, from 80 on.
  const counted = () => {
    const sent = value("subject").trim().replace(/\s+/g, " ").replace(/&(?=([lg]t|amp|quot|apos|#(60|62|38|34|0?39));)/g, "&amp;").replace(/[<>]/g, "&lt;");
    const n = [...sent].length;
    return n < 80 ? "" : n + " of 100 characters";
  };

  let pause;
  const typing = (e) => {
    const show = (id, text) => {
      const out = byID(id);
      if (!out || out.textContent === text) return;
      out.textContent = text;
      if (!e) return;
      clearTimeout(pause); // said once the typing pauses
      pause = setTimeout(say, 1000, text);
    };
    try { show("ends", ends()); } catch { show("ends", ""); } // a zone this browser does not know
    show("subject-count", counted());
  };
  on("input", typing);
  typing();
})();

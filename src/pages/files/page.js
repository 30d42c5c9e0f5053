// What both pages share: elements without HTML, the language, the colours, requests.
import { WORDS } from "./words.js";

const root = document.documentElement;
const stored = (name) => { try { return localStorage.getItem(name); } catch { return null; } };
const store = (name, value) => { try { localStorage.setItem(name, value); } catch { /* private */ } };

let language = stored("language") || (navigator.language.startsWith("ru") ? "ru" : "en");
const listeners = [];

// Fill in {name}; what has no translation is shown as it is.
export function t(key, values = {}) {
  const text = WORDS[language][key] ?? WORDS.en[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

export function percent(share) {
  const digits = share < 0.1 || share > 0.99 ? 1 : 0;
  return new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: digits }).format(share);
}

export function number(value, digits = 2) {
  return new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value);
}

// Make an element. Text becomes a text node: nothing that a listing says is read as HTML.
export function el(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children.filter((child) => child !== null));
  return made;
}

export const byId = (id) => document.getElementById(id);

export function onLanguage(listener) { listeners.push(listener); listener(); }

function translate() {
  root.lang = language;
  document.title = t(root.dataset.title);
  for (const node of document.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
  for (const node of document.querySelectorAll("[data-placeholder]")) node.placeholder = t(node.dataset.placeholder);
  byId("language").textContent = language === "ru" ? "English" : "Русский";
  for (const listener of listeners) listener();
}

if (stored("theme")) root.dataset.theme = stored("theme");
byId("theme").addEventListener("click", () => {
  const dark = root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  store("theme", root.dataset.theme);
});
byId("language").addEventListener("click", () => {
  language = language === "ru" ? "en" : "ru";
  store("language", language);
  translate();
});
translate();

// Return what the server answers; throws an Error with one line for people.
export async function ask(path, content) {
  let response;
  try {
    response = await fetch(path, content === undefined ? {} : {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(content),
    });
  } catch {
    throw new Error(t("no_server"));
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error ? t(answer.error) : t("failed", { status: response.status }));
  return answer;
}

export function bar(name, share, kind = "", shown = percent(share)) {
  const filled = el("b");
  filled.style.width = `${Math.min(100, 100 * share)}%`;
  return el("div", { className: `bar ${kind}` }, el("span", { textContent: name }), el("em", { textContent: shown }), el("i", {}, filled));
}

// A text with some of it marked. spans: [start, end, class] in characters of the text.
export function marked(text, spans) {
  const characters = [...text];
  const shown = el("div", { className: "text", dir: "auto" });
  let place = 0;
  for (const [start, end, kind] of [...spans].sort((a, b) => a[0] - b[0])) {
    if (start < place) continue;
    shown.append(characters.slice(place, start).join(""));
    shown.append(el("mark", { className: kind, textContent: characters.slice(start, end).join("") }));
    place = end;
  }
  shown.append(characters.slice(place).join(""));
  return shown;
}

// Bars of what photo, text and price add to the log-odds of a category.
export function added(contributions) {
  const shares = Object.entries(contributions);
  const largest = Math.max(0.01, ...shares.map(([, value]) => Math.abs(value)));
  return shares.map(([name, value]) => bar(t(name), Math.abs(value) / largest, value < 0 ? "against" : "for", `${value < 0 ? "−" : "+"}${number(Math.abs(value))}`));
}

// Elements that tell why: an explanation as the server gives it, and the address of the photo.
export function explained(why, photo) {
  const parts = [el("h2", { textContent: t("why", { category: why.category }) }), ...added(why.contributions)];
  parts.push(el("p", { className: "small", textContent: t("log_odds", { prior: number(why.prior_log_odds), sum: number(why.log_odds) }) }));
  if (why.words && why.words.found.length) {
    const strongest = Math.abs(why.words.found[0].effect);
    const top = why.words.found.slice(0, 12).filter((word) => Math.abs(word.effect) >= strongest / 10);
    const spans = (field) => top.flatMap((word) => word[field].map(([start, end]) => [start, end, word.effect < 0 ? "against" : "for"]));
    parts.push(el("h2", { textContent: t("words") }));
    if (why.title) parts.push(marked(why.title, spans("title")));
    if (why.text) parts.push(marked(why.text, spans("text")));
  }
  if (why.photo && photo) parts.push(el("h2", { textContent: t("patch") }), patched(photo, why.photo.patch));
  if (why.nearest.length) {
    const near = el("div", { className: "near" });
    for (const ad of why.nearest) {
      const image = ad.photo
        ? el("img", { src: `/photo/${encodeURIComponent(ad.id)}`, alt: "", loading: "lazy" })
        : el("div", { className: "none", textContent: t("no_photo") });
      near.append(el("div", {}, image, el("b", { textContent: ad.category }), ad.title, el("div", { className: "small", textContent: t("alike", { share: percent(Math.max(0, ad.similarity)) }) })));
    }
    parts.push(el("h2", { textContent: t("nearest") }), near);
  }
  return parts;
}

function patched(address, patch) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 100 100");
  svg.setAttribute("preserveAspectRatio", "none");
  const box = document.createElementNS(space, "rect");
  const place = { x: patch.left, y: patch.top, width: patch.right - patch.left, height: patch.bottom - patch.top };
  for (const [name, value] of Object.entries(place)) box.setAttribute(name, 100 * value);
  svg.append(box);
  return el("div", { className: "photo" }, el("img", { src: address, alt: "" }), svg);
}

import { added, ask, bar, byId, el, number, onLanguage, percent, t } from "./page.js";

const about = await ask("/asked");
const left = [...about.asked];
const done = []; // what was decided or skipped, the last one last
const started = Date.now();
let busy = false;
let finding = false; // whether the list of all categories is open

function show() {
  const one = left[0];
  const teaches = Boolean(about.asked.length && !about.asked[0].given);
  byId("heading").dataset.t = teaches ? "teach_title" : "review_title";
  byId("heading").textContent = t(byId("heading").dataset.t);
  const decided = done.filter((each) => !each.skipped).length;
  const minutes = (Date.now() - started) / 60000;
  byId("progress").max = about.asked.length || 1;
  byId("progress").value = about.asked.length - left.length;
  byId("told").textContent = t("progress", { done: decided, left: left.length, pace: number(decided / Math.max(minutes, 0.1), 0) });
  byId("where").textContent = t("written", { by: about.by, file: about.file });
  byId("undo").disabled = !done.length;
  if (!one) {
    byId("listing").replaceChildren(el("p", { textContent: t(about.asked.length ? "all_done" : "none_suspected") }));
    byId("question").replaceChildren();
    return;
  }
  byId("listing").replaceChildren(...listing(one));
  byId("question").replaceChildren(...question(one));
  byId("find")?.focus();
  if (left[1]?.photo) new Image().src = address(left[1]); // while the person looks at this one
}

const address = (one) => `/photo/${encodeURIComponent(one.id)}`;

function listing(one) {
  return [
    one.photo
      ? el("div", { className: "photo" }, el("img", { src: address(one), alt: "" }))
      : el("div", { className: "none", textContent: t("no_photo") }),
    el("h2", { textContent: one.title, dir: "auto" }),
    el("div", { className: "text", textContent: one.text, dir: "auto" }),
    el("p", { className: "small", textContent: `${one.price === null ? t("no_price") : number(one.price)} · ${one.id}` }),
  ];
}

function choice(key, label, act, first = false) {
  const button = el("button", { type: "button", className: first ? "first" : "" }, label, el("kbd", { textContent: key }));
  button.addEventListener("click", act);
  return button;
}

function question(one) {
  const values = {
    given: one.given, suggested: one.suggested, given_prob: percent(one.given_prob),
    suggested_prob: percent(one.suggested_prob), margin: percent(one.suggested_prob - one.given_prob),
  };
  const said = one.given
    ? [el("p", {}, `${t("listed_under")} `, el("b", { textContent: one.given })),
       bar(one.suggested, one.suggested_prob, "for"), bar(one.given, one.given_prob, "against"),
       el("p", { className: "small", textContent: t("why_suspected", values) })]
    : [bar(one.suggested, one.suggested_prob), el("p", { className: "small", textContent: t("why_teaches", values) })];
  const choices = el("div", { className: "choices" },
    choice("C", t(one.given ? "change" : "take", values), () => decide(one.suggested), true),
    one.given ? choice("K", t("keep", values), () => decide(one.given)) : null,
    choice("O", t("other"), openList),
    choice("N", t("neither"), () => decide("")),
    choice("S", t("skip"), skip));
  const near = one.nearest.map((ad) => el("li", { dir: "auto" }, el("b", { textContent: ad.category }), ` ${ad.title}`));
  if (near.length) said.push(el("details", { open: true }, el("summary", { className: "small", textContent: t("nearest_review") }), el("ul", { className: "small" }, ...near)));
  const why = added(one.added);
  if (why.length) said.push(el("details", {}, el("summary", { className: "small", textContent: t("why", { category: one.suggested }) }), ...why));
  return finding ? [...said, choices, ...list()] : [...said, choices];
}

function openList() {
  finding = !finding;
  show();
}

// All categories, narrowed down by what is typed; Enter takes the first.
function list() {
  const field = el("input", { id: "find", placeholder: t("find"), type: "search" });
  field.setAttribute("aria-label", t("find"));
  const names = el("div", { className: "others" });
  const fill = () => {
    const wanted = field.value.trim().toLowerCase();
    const found = about.categories.filter((name) => name.toLowerCase().includes(wanted));
    names.replaceChildren(...found.map((name) => {
      const button = el("button", { type: "button", textContent: name });
      button.addEventListener("click", () => decide(name));
      return button;
    }));
    return found;
  };
  field.addEventListener("input", fill);
  field.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Escape") openList();
    if (event.key === "Enter" && fill().length) decide(fill()[0]);
  });
  fill();
  return [field, names];
}

// One request after another: keys that are pressed meanwhile are ignored.
async function once(work) {
  if (busy) return;
  busy = true;
  byId("problem").hidden = true;
  try {
    await work();
  } catch (error) {
    byId("problem").textContent = t(error.message);
    byId("problem").hidden = false;
  }
  busy = false;
  show();
  scrollTo(0, 0);
}

const decide = (category) => once(async () => {
  await ask("/decide", { id: left[0].id, category });
  done.push({ one: left.shift(), skipped: false });
  finding = false;
});

const skip = () => once(async () => {
  done.push({ one: left.shift(), skipped: true });
  finding = false;
});

const undo = () => once(async () => {
  if (!done.length) return;
  if (!done.at(-1).skipped) await ask("/undo", {});
  left.unshift(done.pop().one);
});

byId("undo").addEventListener("click", undo);
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  // By the place of a key, too, so that they work in a Cyrillic layout.
  const key = /^Key[A-Z]$/.test(event.code) ? event.code.slice(3) : event.key.toUpperCase();
  if (key === "U") undo();
  const one = left[0];
  if (!one) return;
  if (key === "K" && one.given) decide(one.given);
  else if (key === "C") decide(one.suggested);
  else if (key === "N") decide("");
  else if (key === "S") skip();
  else if (key === "O") { event.preventDefault(); openList(); }
});
onLanguage(show);
document.body.dataset.ready = "yes";

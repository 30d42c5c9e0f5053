import { ask, bar, byId, el, explained, number, onLanguage, percent, t } from "./page.js";

const LIMITS = { title: 1000, text: 20000, price: 100 };
const SHOWN = 5;
const about = await ask("/about");
let photo = null; // a Blob
let address = null; // of the photo, for this page alone
let shown = () => el("p", { className: "small", textContent: t("nothing_yet") });
let asked = 0;

function show(make) {
  shown = make;
  const made = make();
  byId("answer").replaceChildren(...(Array.isArray(made) ? made : [made]));
}
onLanguage(() => show(shown));

const problem = (message) => show(() => el("p", { className: "warn", textContent: message() }));

function setPhoto(blob) {
  const most = about.max_photo_bytes;
  if (blob && blob.size > most) {
    const values = { size: number(blob.size / 1e6, 1), most: number(most / 1e6) };
    problem(() => t("too_large", values));
    blob = null;
  }
  if (address) URL.revokeObjectURL(address);
  photo = blob;
  address = blob && URL.createObjectURL(blob);
  byId("drop").querySelector("img")?.remove();
  byId("drop").querySelector("span").hidden = Boolean(blob);
  byId("remove").hidden = !blob;
  if (blob) byId("drop").append(el("img", { src: address, alt: t("photo") }));
  byId("file").value = "";
}

const base64 = (blob) => new Promise((done) => {
  const reader = new FileReader();
  reader.onload = () => done(reader.result.slice(reader.result.indexOf(",") + 1));
  reader.readAsDataURL(blob);
});

// What would make a field too long is not put in: a browser is slow with a text of megabytes.
for (const [name, most] of Object.entries(LIMITS)) {
  const field = byId(name);
  field.addEventListener("beforeinput", (event) => {
    const replaced = field.selectionEnd - field.selectionStart;
    const n = field.value.length - replaced + (event.data?.length ?? 0);
    if (n <= most || !event.data) return;
    event.preventDefault();
    problem(() => t("long_text", { field: t(name), n: number(n), most: number(most) }));
  });
}

async function answer() {
  const mine = ++asked;
  const question = Object.fromEntries(Object.keys(LIMITS).map((name) => [name, byId(name).value]));
  show(() => el("p", { className: "small", textContent: t("working") }));
  const seen = address;
  try {
    const found = await ask("/answer", { ...question, photo: photo ? await base64(photo) : "" });
    if (mine !== asked) return;
    show(() => answered(found, seen));
    // On a phone the answer is below the form.
    byId("answer").scrollIntoView({ block: "nearest" });
  } catch (error) {
    if (mine === asked) problem(() => t(error.message));
  }
}

function answered(found, seen) {
  const bars = found.categories.map((one) => bar(one.name, one.prob));
  const more = el("details", { hidden: bars.length <= SHOWN }, el("summary", { textContent: t("more", { n: bars.length - SHOWN }) }), ...bars.slice(SHOWN));
  const used = found.used.map((name) => t(name)).join(", ");
  return [
    ...(found.sure === false ? [unsure()] : []),
    el("div", { id: "bars" }, ...bars.slice(0, SHOWN)), more,
    el("p", { className: "small", textContent: t("used", { used }) }),
    ...found.notes.map((note) => el("p", { className: "warn", textContent: t(note) })),
    ...explained(found.why, seen),
  ];
}

function unsure() {
  const { probability, target } = about.threshold;
  const values = { probability: percent(probability ?? 1), target: percent(target) };
  if (probability === null) return el("p", { className: "warn", textContent: t("never_sure", values) });
  return el("p", { className: "warn" }, el("b", { textContent: t("not_sure") }), ` — ${t("not_sure_note", values)}`);
}

async function take(example) {
  for (const name of Object.keys(LIMITS)) byId(name).value = example[name];
  setPhoto(null);
  if (example.photo) setPhoto(await (await fetch(`/photo/${encodeURIComponent(example.id)}`)).blob());
  await answer();
}

byId("form").addEventListener("submit", (event) => { event.preventDefault(); answer(); });
byId("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) answer();
});
byId("clear").addEventListener("click", () => {
  asked += 1;
  byId("form").reset();
  setPhoto(null);
  show(() => el("p", { className: "small", textContent: t("nothing_yet") }));
});
byId("remove").addEventListener("click", () => setPhoto(null));
byId("file").addEventListener("change", () => byId("file").files[0] && setPhoto(byId("file").files[0]));
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    byId("drop").classList.toggle("over", kind === "dragover");
    if (kind === "drop" && event.dataTransfer.files[0]) setPhoto(event.dataTransfer.files[0]);
  });
}
document.addEventListener("paste", (event) => event.clipboardData.files[0] && setPhoto(event.clipboardData.files[0]));

const list = byId("examples").querySelector(".examples");
byId("examples").hidden = !about.examples.length;
for (const example of about.examples) {
  const image = example.photo ? el("img", { src: `/photo/${encodeURIComponent(example.id)}`, alt: "" }) : null;
  const button = el("button", { type: "button" }, image, example.title);
  button.addEventListener("click", () => take(example));
  list.append(button);
}
document.body.dataset.ready = "yes";

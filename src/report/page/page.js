"use strict";
const figures = JSON.parse(document.getElementById("figures").textContent);
const picker = document.getElementById("row");
const root = document.documentElement;
const dark = matchMedia("(prefers-color-scheme: dark)");
const narrow = matchMedia("(max-width: 600px)");

// Colours are variables of the style sheet, which Plotly cannot read: put their values in.
function withColors(value, style) {
  if (typeof value === "string") {
    return value.replace(/^var\((--[\w-]+)\)$/, (_, name) => style.getPropertyValue(name).trim());
  }
  if (Array.isArray(value)) return value.map((item) => withColors(item, style));
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, withColors(v, style)]));
  }
  return value;
}

// Hide or fade the other rows, and put the selected one last, so that it lies on top.
function withSelection(traces, style) {
  const selected = (trace) => !trace.meta || trace.meta.row === picker.value;
  for (const trace of traces.filter((trace) => !selected(trace))) {
    if (trace.meta.others === "hide") trace.visible = false;
    else {
      trace.line = { color: style.getPropertyValue("--faded").trim(), width: 1 };
      trace.mode = "lines";
    }
  }
  return [...traces.filter((trace) => !selected(trace)), ...traces.filter(selected)];
}

function draw(place) {
  const style = getComputedStyle(root);
  const { data, layout } = withColors(figures[place.id], style);
  if (narrow.matches && layout.meta) layout.yaxis.ticktext = layout.meta.narrow;
  const config = { displayModeBar: false, responsive: true };
  Plotly.react(place, withSelection(data, style), layout, config);
}

const places = [...document.querySelectorAll(".figure")];
// Reserve the height, so that nothing moves when a figure is drawn.
for (const place of places) place.style.minHeight = `${figures[place.id].layout.height}px`;

// One figure at a time, from the top, so that a phone can scroll in between.
function drawAll(rest = places) {
  if (!rest.length) return;
  draw(rest[0]);
  rest[0].dataset.drawn = "yes";
  setTimeout(drawAll, 0, rest.slice(1));
}
drawAll();

picker.addEventListener("change", () => drawAll());
dark.addEventListener("change", () => drawAll());
narrow.addEventListener("change", () => drawAll());
document.getElementById("theme").addEventListener("click", () => {
  const isDark = root.dataset.theme ? root.dataset.theme === "dark" : dark.matches;
  root.dataset.theme = isDark ? "light" : "dark";
  drawAll();
});

"use strict";
const figures = JSON.parse(document.getElementById("figures").textContent);
const picker = document.getElementById("row");
const root = document.documentElement;
const dark = matchMedia("(prefers-color-scheme: dark)");
const narrow = matchMedia("(max-width: 600px)");

// Figures name their colours by the style sheet's variables, which Plotly cannot read.
function painted(value, style) {
  if (typeof value === "string") {
    return value.replace(/^var\((--[\w-]+)\)$/, (_, name) => style.getPropertyValue(name).trim());
  }
  if (Array.isArray(value)) return value.map((item) => painted(item, style));
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, painted(v, style)]));
  }
  return value;
}

// The row that is picked comes last, so that it lies on top.
function focused(traces, style) {
  const picked = (trace) => !trace.meta || trace.meta.row === picker.value;
  for (const trace of traces.filter((trace) => !picked(trace))) {
    if (trace.meta.others === "hide") trace.visible = false;
    else {
      trace.line = { color: style.getPropertyValue("--faded").trim(), width: 1 };
      trace.mode = "lines";
    }
  }
  return [...traces.filter((trace) => !picked(trace)), ...traces.filter(picked)];
}

function draw(place) {
  const style = getComputedStyle(root);
  const { data, layout } = painted(figures[place.id], style);
  if (narrow.matches && layout.meta) layout.yaxis.ticktext = layout.meta.narrow;
  const config = { displayModeBar: false, responsive: true };
  Plotly.react(place, focused(data, style), layout, config);
}

const places = [...document.querySelectorAll(".figure")];
const drawAll = () => places.filter((place) => place.dataset.drawn).forEach(draw);

// Only what is near the screen is drawn: a phone shows the first lines at once.
const watcher = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      watcher.unobserve(target);
      target.dataset.drawn = "yes";
      draw(target);
    }
  },
  { rootMargin: "600px" },
);
for (const place of places) {
  // So that nothing moves when it is drawn.
  place.style.minHeight = `${figures[place.id].layout.height}px`;
  watcher.observe(place);
}

picker.addEventListener("change", drawAll);
dark.addEventListener("change", drawAll);
narrow.addEventListener("change", drawAll);
document.getElementById("theme").addEventListener("click", () => {
  const isDark = root.dataset.theme ? root.dataset.theme === "dark" : dark.matches;
  root.dataset.theme = isDark ? "light" : "dark";
  drawAll();
});
addEventListener("beforeprint", () => places.forEach(draw));

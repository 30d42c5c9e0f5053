"""One page about the whole experiment, in one file that needs nothing else."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

import jinja2
from markdown_it import MarkdownIt
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from src.core.files import replacing
from src.evaluation.abstain import TARGETS
from src.evaluation.paired import ALPHA
from src.report.examples import doubted_labels, errors
from src.report.facts import answered, data_facts, headline
from src.report.figures import all_figures
from src.report.mistakes import confusion_figure, confusion_names, most_confused
from src.report.results import Results

PAGE = Path(__file__).parent / "page"


def write_report(results: Results, params: dict[str, Any], path: Path) -> None:
    """Write the page; equal results give equal bytes.

    Args:
        results: of `read_results`.
        params: model, text_model and collect.source of params.yaml.
        path: the HTML file.
    """
    with replacing(path) as beside:
        beside.write_text(render(results, params), encoding="utf-8")


def render(results: Results, params: dict[str, Any]) -> str:
    """Return the page as HTML; whatever listings and categories are called is text on it."""
    scripts = [get_plotlyjs(), (PAGE / "page.js").read_text(encoding="utf-8")]
    figures = all_figures(results) | {"fig-confusion": confusion_figure(results)}
    best = results.best
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            # Only these scripts may run, and nothing may be fetched: the browser sees to it.
            script_hashes=[_hash(script) for script in scripts],
            scripts=[Markup(script) for script in scripts],
            style=Markup((PAGE / "page.css").read_text(encoding="utf-8")),
            figures=figures,
            params=params,
            head=headline(results),
            table=results.table.astype(object)
            .where(results.table.notna(), None)
            .to_dict("records"),
            rows=list(results.confusion),
            names=confusion_names(results),
            targets=TARGETS,
            alpha=ALPHA,
            ceilings=results.ceilings,
            pairs=results.pairs.to_dict("records"),
            answered={row: answered(scores) for row, scores in results.scores.items()},
            confused=most_confused(results.confusion[best]).to_dict("records"),
            errors=errors(results, best),
            wrong=int(
                (results.confusion[best]["actual"] != results.confusion[best]["predicted"]).sum()
            ),
            label_errors=doubted_labels(results),
            suspected=len(results.label_errors),
            audit=Markup(_markdown(results.audit)),
            data=data_facts(results),
        )
    )


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(PAGE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # Cyrillic letters as they are; `tojson` itself escapes what could end a script.
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "sort_keys": True}
    environment.filters["score"] = lambda value: "" if value is None else f"{value:.3f}"
    environment.filters["percent"] = lambda value: f"{100 * value:.1f}\u00a0%"
    environment.filters["thousands"] = lambda value: f"{value:,.0f}".replace(",", "\u00a0")
    return environment


def _markdown(text: str) -> str:
    """Render trusted Markdown; HTML inside it stays text all the same."""
    rendered: str = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    # The page has its own title for it, and its own first two levels.
    _, _, body = rendered.partition("</h1>")
    return body.replace("<h2>", "<h3>").replace("</h2>", "</h3>")


def _hash(script: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()

"""The page as one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import jinja2
from markdown_it import MarkdownIt
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from src.core.files import replacing
from src.core.schema import Params
from src.report import formats
from src.report.content import PageContent, page_content
from src.report.results import Results

PAGE = Path(__file__).parent / "page"


def write_report(results: Results, params: Params, path: Path) -> None:
    """Write the page; equal results give equal bytes.

    Args:
        results: of `read_results`.
        params: `model`, `text_model`, `fused_model` and `collect.source` are read.
        path: the HTML file.
    """
    html = render(page_content(results, params))
    with replacing(path) as beside:
        beside.write_text(html, encoding="utf-8")


def render(content: PageContent) -> str:
    """Return the page as HTML; names and texts of listings are escaped."""
    scripts = [get_plotlyjs(), (PAGE / "page.js").read_text(encoding="utf-8")]
    shown = vars(content) | {
        "audit": Markup(_render_markdown(content.audit)),
        # The browser runs these scripts alone and fetches nothing.
        "script_hashes": [_hash(script) for script in scripts],
        "scripts": [Markup(script) for script in scripts],
        "style": Markup((PAGE / "page.css").read_text(encoding="utf-8")),
    }
    return _environment().get_template("page.html.j2").render(shown)


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(PAGE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # Cyrillic letters stay as they are; `tojson` itself escapes what could end a script.
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "sort_keys": True}
    environment.filters |= {
        "score": formats.three_decimals,
        "percent": formats.percent,
        "thousands": formats.thousands,
        "counted": formats.counted,
    }
    return environment


def _render_markdown(text: str) -> str:
    """Render Markdown below a title of the page; HTML inside it stays text."""
    html = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    html = re.sub(r"^<h1>.*?</h1>\s*", "", html, flags=re.DOTALL)
    return html.replace("<h2>", "<h3>").replace("</h2>", "</h3>")


def _hash(script: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()

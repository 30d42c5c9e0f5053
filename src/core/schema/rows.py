"""The rows of the results table, and what must fit together for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from src.core.errors import UserError
from src.core.schema.base import RowName, Section
from src.core.schema.joined import Joined

if TYPE_CHECKING:
    from src.core.schema import Params
    from src.core.schema.sources import Chosen

_NONE_OF = {
    "image": "rows.image: [], model: '', rows.fused: [] and fused_model: ''",
    "text": "rows.text: [], text_model: '', rows.fused: [] and fused_model: ''",
}


class Rows(Section):
    """The rows of the results table by kind; none of a kind that listings give nothing to."""

    image: list[RowName]
    text: list[RowName]
    fused: list[RowName]

    def with_joined(self, joined: Joined) -> Rows:
        """Return the rows of the results table, joined ones after those that they join."""
        return Rows(
            image=[*self.image, *joined.image], text=[*self.text, *joined.text], fused=self.fused
        )


def require_rows(params: Params) -> None:
    """Check that rows are entries, and that the chosen ones are rows.

    Raises:
        ValueError: what is wrong and what was expected, in one line.
    """
    _require_something_to_read(params)
    rows = params.rows
    _require_parts(params)
    table = rows.with_joined(params.joined)
    choices = (
        ("model", "image", "image_models", params.model, table.image),
        ("text_model", "text", "text_models", params.text_model, table.text),
        ("fused_model", "fused", "fusion", params.fused_model, table.fused),
    )
    for choice, kind, section, chosen, names in choices:
        entries: dict[str, Any] = getattr(params, section)
        for name in getattr(rows, kind):
            if name not in entries:
                raise ValueError(
                    f"rows.{kind} names {name!r}; expected entries of {section}, which has "
                    f"{', '.join(entries)}: add it there, or take it out"
                )
        if chosen and not names:
            raise ValueError(f"{choice} is {chosen!r}, but rows.{kind} is []; expected ''")
        if names and chosen not in names:
            raise ValueError(
                f"{choice} is {chosen!r}; expected one of {', '.join(names)}: "
                f"choose one of these, or add it to rows.{kind}"
            )
    if "logreg" not in params.fusion:
        raise ValueError(
            "fusion has no entry logreg, which the row that leaks on purpose repeats; "
            "expected one: put it back (it need not be in rows.fused)"
        )
    _require_own_names([*table.image, *table.text, *table.fused])


def require_sources(params: Params, chosen: Chosen) -> None:
    """Check that every row has weights from the chosen source.

    Raises:
        UserError: the first that has none.
    """
    for kind in ("image", "text"):
        for name in getattr(params.rows, kind):
            if not chosen.has(f"{kind}_models", name):
                raise UserError(
                    f"params.yaml: {kind}_models.{name} has no `{params.weights}` entry, which "
                    f"`weights: {params.weights}` reads; expected one with `network` and `weights`"
                )


def _require_parts(params: Params) -> None:
    for kind in ("image", "text"):
        known = list(getattr(params.rows, kind))
        for name, row in getattr(params.joined, kind).items():
            for part, joins in row.model_dump().items():
                if joins not in known:
                    raise ValueError(
                        f"joined.{kind}.{name}.{part} is {joins!r}; expected a row of rows.{kind} "
                        f"or a joined row above it: {', '.join(known) or 'there is none'}; add it, "
                        f"or leave the joined row out: -S '~joined.{kind}.{name}'"
                    )
            if row.first == row.second:
                raise ValueError(
                    f"joined.{kind}.{name} joins {row.first!r} with itself; expected two rows"
                )
            known.append(name)


def _require_something_to_read(params: Params) -> None:
    rows, columns = params.rows, params.collect.table.columns
    if params.collect.source == "table":
        if rows.image and not columns.photo:
            raise ValueError(
                f"collect.table.columns.photo is '', so no listing has a photo; expected "
                f"{_NONE_OF['image']}, or the name of a column"
            )
        if rows.text and not columns.has_text:
            raise ValueError(
                "collect.table.columns.title and text are '', so no listing has a text; expected "
                f"{_NONE_OF['text']}, or the name of a column"
            )
    if not rows.image and not rows.text:
        raise ValueError("rows.image and rows.text are both []; expected rows of one of them")
    both = bool(rows.image and rows.text)
    if rows.fused and not both:
        kind = "text" if rows.image else "image"
        raise ValueError(
            f"rows.{kind} is [], but fused rows read an image and a text model; expected "
            f"{_NONE_OF[kind]}"
        )
    if both and not rows.fused:
        raise ValueError("rows.fused is []; expected at least one row, which makes predictions")


def _require_own_names(names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(
            f"rows: {', '.join(twice)} is there twice; expected a name of its own for every row"
        )
    if reserved := sorted({"leaky", "logreg_leaky"} & set(names)):
        raise ValueError(
            f"rows: {reserved[0]} is the name of the row that leaks on purpose; expected "
            "another name"
        )

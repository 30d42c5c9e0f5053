"""Entries of `image_models` and `text_models`: common keys, then those of `offline` or of `hub`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from src.core.errors import UserError
from src.core.schema.models import (
    IMAGE_KINDS,
    TEXT_KINDS,
    WeightsSource,
    kind_of,
)

SOURCES = ("offline", "hub")
# What only a source has.
_OWN = tuple(WeightsSource.model_fields)
_SECTIONS: dict[str, dict[str, type[WeightsSource]]] = {
    "image_models": IMAGE_KINDS,
    "text_models": TEXT_KINDS,
}


class Chosen:
    """The content of a params.yaml with one of the sources chosen.

    Args:
        weights: offline or hub. An entry without it is as its other source says.

    Attributes:
        content: the same, each entry without `offline` and `hub`: its settings are its common keys
            and, on top, those of its source.

    Raises:
        UserError: `offline` or `hub` of an entry is no section.
    """

    def __init__(self, content: Any, weights: str) -> None:
        self._given, self._weights = content, weights
        self.content = content
        if not isinstance(content, Mapping):
            return
        self.content = dict(content)
        for section, kinds in _SECTIONS.items():
            if isinstance(entries := content.get(section), Mapping):
                self.content[section] = {
                    row: self._settings(f"{section}.{row}", entry, kinds)
                    for row, entry in entries.items()
                }

    def has(self, section: str, row: str) -> bool:
        """Return whether an entry has the chosen source."""
        return self._given[section][row].get(self._weights) is not None

    def written(self, path: str) -> str:
        """Return where the file has what `content` has at a dotted path."""
        section, *rest = path.split(".")
        if section not in _SECTIONS or len(rest) < 2:
            return path
        row, key = rest[:2]
        entry = self._given[section].get(row, {})
        source = self._source(entry) or self._weights
        if key in (entry.get(source) or {}) or (key in _OWN and key not in entry):
            return ".".join([section, row, source, *rest[1:]])
        return path

    def known(self, path: str, names: Iterable[str]) -> list[str]:
        """Return which keys the file may have beside that at a path, of all that a schema names."""
        names = list(names)
        if not set(_OWN) <= set(names) or self.written(path) != path:
            return names
        return [name for name in names if name not in _OWN] + list(SOURCES)

    def paths(self, path: list[str]) -> list[list[str]]:
        """Return where `content` has what the file has at a path."""
        if len(path) != 3 or path[0] not in _SECTIONS or path[2] not in SOURCES:
            return [path]
        return [[*path[:2], key] for key in self._given[path[0]][path[1]][path[2]]]

    def _source(self, entry: Mapping[str, Any]) -> str | None:
        order = sorted(SOURCES, key=lambda source: source != self._weights)
        return next((source for source in order if entry.get(source) is not None), None)

    def _settings(self, path: str, entry: Any, kinds: dict[str, type[WeightsSource]]) -> Any:
        if not isinstance(entry, Mapping):
            return entry
        common = {key: value for key, value in entry.items() if key not in SOURCES}
        merged, known = {}, {}
        for source in SOURCES:
            own = entry.get(source)
            if own is not None and not isinstance(own, Mapping):
                raise UserError(
                    f"params.yaml: {path}.{source} is {own!r:.60}; expected a section with "
                    "network, weights and what else differs from the rest of the entry"
                )
            merged[source] = {**common, **(own or {})}
            kind = kinds.get(kind_of(merged[source]))
            known[source] = set(kind.model_fields) if kind else set()
        chosen = self._source(entry)
        if chosen is None:
            return common
        # A key that only the kind of the other source has is for that one.
        other = "hub" if chosen == "offline" else "offline"
        foreign = known[other] - known[chosen] - set(entry[chosen]) if known[chosen] else set()
        return {key: value for key, value in merged[chosen].items() if key not in foreign}

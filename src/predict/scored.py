"""Listings and what the two models say of them, also as variants for explanations."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from src.encoders.common.encoder import EncoderOutput


class Scored(NamedTuple):
    """The listings that have a modality, and what its model says of them; None for no listing."""

    rows: list[int]
    output: EncoderOutput | None

    def only(self, row: int) -> Scored:
        """Return it for one of the listings."""
        if self.output is None or row not in self.rows:
            return Scored([], None)
        return Scored([0], _at(self.output, [self.rows.index(row)]))

    def repeated(self, times: int) -> Scored:
        """Return it for so many copies of the only listing."""
        if self.output is None:
            return self
        return Scored(list(range(times)), _at(self.output, [0] * times))


def _at(output: EncoderOutput, places: list[int]) -> EncoderOutput:
    return EncoderOutput(output.features[places], output.probs[places], output.known[places])


class ScoredListings(NamedTuple):
    """N listings and what the models say of them.

    Attributes:
        table: of `with_words`.
        scores: by modality, photo and text.
    """

    table: pd.DataFrame
    scores: dict[str, Scored]

    def only(self, row: int) -> ScoredListings:
        """Return one of the listings."""
        scores = {name: scored.only(row) for name, scored in self.scores.items()}
        return ScoredListings(self.table.iloc[[row]], scores)

    def with_scores(self, table: pd.DataFrame, **scores: Scored) -> ScoredListings:
        """Return W variants of the only listing: their table, and the scores that differ."""
        same = {name: scored.repeated(len(table)) for name, scored in self.scores.items()}
        return ScoredListings(table, same | scores)

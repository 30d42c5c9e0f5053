"""What ridge regression would say of each row without the row's group, without fitting again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, solve_triangular

Matrix = NDArray[np.float64]
_Rows = NDArray[np.intp]
# Enough for fast matrix products, few enough for memory.
ROWS_AT_ONCE = 1000
# A larger group costs more by the square of its rows than by that of the features.
LARGEST_GROUP = 2000


@dataclass(frozen=True)
class RidgeFit:
    """Weighted ridge regression on features of N rows, with an intercept that costs nothing.

    Attributes:
        x, y: features [N, M] and targets [N, C], their weighted means taken off, times `scale`.
        scale: roots of the rows' weights, [N, 1].
        factor: Cholesky factor of x^T x + penalty, [M, M], lower.
        slope: what x is multiplied by to be like y, [M, C].
        root: the factor that turns a landmark's coefficient into features, [M, M], lower.
    """

    x: Matrix
    y: Matrix
    scale: Matrix
    factor: Matrix
    slope: Matrix
    root: Matrix

    def without_groups(self, group: _Rows, pinned: _Rows) -> Matrix:
        """Return scores of the rows above the mean target, each without its group, [N, C].

        A group that has all rows leaves nothing to learn from: its scores are 0.

        Args:
            group: the number of each row's group, from 0 on, [N].
            pinned: rows of the landmarks, [M], whose coefficients are 0 without their group; none
                if every row is a landmark, which then takes its coefficient with it.
        """
        scores = np.zeros_like(self.y)
        count = int(group.max()) + 1
        if count == 1:
            return scores
        places = _members(group[pinned], count)
        small = []
        for number, rows in enumerate(_members(group, count)):
            if len(rows) > LARGEST_GROUP:
                scores[rows] = self._fitted_again(rows, places[number])
            else:
                small.append((rows, places[number]))
        for some in _batches(small):
            for (rows, _), found in zip(some, self._in_closed_form(some), strict=True):
                scores[rows] = found
        return scores

    def _in_closed_form(self, some: list[tuple[_Rows, _Rows]]) -> Iterator[Matrix]:
        """Yield the scores of some groups' rows (Cook & Weisberg 1982).

        Args:
            some: the rows of each group, and the places of its landmarks, which are held at 0.
        """
        every, pins = (np.concatenate(parts) for parts in zip(*some, strict=True))
        of_pins = self._pins(pins)
        columns = np.hstack([self.x[every].T, of_pins])
        halves = solve_triangular(self.factor, columns, lower=True, overwrite_b=True).T
        weight, coef = float((self.scale**2).sum()), of_pins.T @ self.slope
        row, pin = 0, 0
        for rows, places in some:
            half, s = halves[row : row + len(rows)], self.scale[rows]
            held = halves[len(every) + pin : len(every) + pin + len(places)]
            # The second term is the intercept, which moves with every row.
            kept = np.eye(len(rows)) - half @ half.T - s @ s.T / weight
            equations = np.block([[kept, -half @ held.T], [held @ half.T, held @ held.T]])
            residual = self.y[rows] - self.x[rows] @ self.slope
            known = np.vstack([residual, coef[pin : pin + len(places)]])
            without = np.linalg.solve(equations, known)[: len(rows)]
            yield (self.y[rows] - without) / s
            row, pin = row + len(rows), pin + len(places)

    def _fitted_again(self, rows: _Rows, places: _Rows) -> Matrix:
        """Return the scores of a large group's rows: the same, by normal equations without them."""
        m = len(self.slope)
        left, known = np.zeros((m + 1, m + 1)), np.zeros((m + 1, self.y.shape[1]))
        factor = np.tril(self.factor)
        left[:m, :m], left[m, m] = factor @ factor.T, (self.scale**2).sum()
        known[:m] = left[:m, :m] @ self.slope
        for first in range(0, len(rows), ROWS_AT_ONCE):
            some = rows[first : first + ROWS_AT_ONCE]
            x = np.hstack([self.x[some], self.scale[some]])
            left -= x.T @ x
            known -= x.T @ self.y[some]
        held = np.vstack([self._pins(places), np.zeros((1, len(places)))])
        solved = cho_solve(cho_factor(left, lower=True), np.hstack([known, held]))
        slope, by_held = np.hsplit(solved, [known.shape[1]])
        slope -= by_held @ np.linalg.solve(held.T @ by_held, held.T @ slope)
        scores: Matrix = self.x[rows] @ slope[:m] / self.scale[rows] + slope[m]
        return scores

    def _pins(self, places: _Rows) -> Matrix:
        """Return what multiplies the slope to the coefficients of landmarks, [M, landmarks]."""
        unit = np.zeros((len(self.root), len(places)))
        unit[places, np.arange(len(places))] = 1
        pins: Matrix = solve_triangular(self.root, unit, lower=True)
        return pins


def _members(numbers: _Rows, count: int) -> list[_Rows]:
    """Return the positions of each number from 0 to `count` - 1."""
    order = np.argsort(numbers, kind="stable")
    return np.split(order, np.searchsorted(numbers[order], np.arange(1, count)))


def _batches(
    groups: list[tuple[_Rows, _Rows]],
) -> Iterator[list[tuple[_Rows, _Rows]]]:
    """Yield groups together until they have ROWS_AT_ONCE rows."""
    some, size = [], 0
    for rows, places in groups:
        some.append((rows, places))
        size += len(rows)
        if size >= ROWS_AT_ONCE:
            yield some
            some, size = [], 0
    if some:
        yield some

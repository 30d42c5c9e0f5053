"""Prices in the cells of a table: what is read, what is noted, what a column decides."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.cleaning.prices import PriceReader, read_price

RANGE, UNREADABLE = "price is a range or a limit", "price cannot be read"
RATE = "price is per month, kilogram or the like"
OPEN = "price read with the {} as a mark of {}, which is not certain"


def read_all(cells: list[str]) -> list[float | None]:
    reader = PriceReader(cells)
    return [reader.read(cell).value for cell in cells]


@pytest.mark.parametrize(
    "cell",
    ["1500", "1500р", "1 500 р.", "1500 рублей", "1500руб", "1 500 ₽", "RUB 1500", "₽1500"]
    + ["1500,-", "1500.-", "1500,—", "€1500.--", "1500 ₸", "1 500 тг", "1500 грн.", "₴ 1500"]
    + ["1'500", "1’500", "1\u2009500", "1\u202f500,00 €", "1\u00a0500", "US$ 1,500.00", "1500 zł"]
    + ["1.500,00 €", "1,500.00", "$1500", "1500.", "1,5E+03", "1.5e3", "Rs. 1,500.00/-", "1500 BYN"]
    + ["\u200b1500\ufeff", " 1  500 ", "１５００", "1500.000"]
    + [
        "1500 ₽ за шт",
        "1500 руб/шт",
        "1 500 ₽/шт.",
        "1500 за 1 шт",
        "1500р. за штуку",
        "1500 за пару",
    ]
    + [
        "$1500 each",
        "£1,500.00 ea.",
        "1500 per item",
        "€1.500,00 / piece",
        "1500/шт",
        "1500 за всё",
    ]
    + ["1 500 руб. 00 коп.", "1500 р 00 к", "1.500 руб. 00 копеек", "1500 руб. 0 коп. за шт."],
)
def test_a_price_is_read_as_people_write_it(cell: str) -> None:
    assert read_price(cell) == (1500.0, "")


@pytest.mark.parametrize(
    ("cell", "value"),
    [("12,5", 12.5), (".75", 0.75), (",89 €", 0.89), ("0.500", 0.5), ("0,125", 0.125)]
    + [("1,234.567", 1234.567), ("1.234.567,89", 1234567.89), ("1,00,000.50", 100000.5)]
    + [("12 руб. 5 коп.", 12.05), ("99р 90к", 99.9), ("12 345 руб 67 коп", 12345.67)]
    + [("1 234,567", 1234.567), ("1'234.50", 1234.5), ("2 500 000", 2.5e6), ("0", 0.0)],
)
def test_what_only_one_reading_fits_is_certain(cell: str, value: float) -> None:
    assert read_price(cell) == (value, "")


@pytest.mark.parametrize(
    ("cell", "problem"),
    [("1500-2000", RANGE), ("1 500 – 2 000 ₽", RANGE), ("от 500", RANGE), ("до 500 р.", RANGE)]
    + [("from $500", RANGE), ("500+", RANGE), ("~500", RANGE), ("500 to 700", RANGE)]
    + [("договорная", UNREADABLE), ("1.2.3", UNREADABLE), ("15 00", UNREADABLE)]
    + [("1500¹", UNREADABLE), ("15 тыс", UNREADABLE), ("1500 сутки", UNREADABLE)]
    + [("1500 ₽/мес", RATE), ("1500 руб. в месяц", RATE), ("1 500 ₽ за м²", RATE), ("$5/kg", RATE)]
    + [
        ("£650 pcm", RATE),
        ("£650 per month", RATE),
        ("500 р/час", RATE),
        ("900 за 2 шт", UNREADABLE),
    ]
    + [
        ("1,50 руб. 20 коп.", UNREADABLE),
        ("50 коп.", UNREADABLE),
        ("1500 руб. 100 коп.", UNREADABLE),
    ]
    + [(10**400, "price above 1e12"), (-(10**400), "price below zero"), ("1" * 10**6, UNREADABLE)]
    + [("1.250 KWD", UNREADABLE), ("1 500 2 000", UNREADABLE), ("inf", UNREADABLE)]
    + [("50 %", UNREADABLE), ("1_500", UNREADABLE), ("9" * 61, UNREADABLE)]
    + [("-5", "price below zero"), ("−5 ₽", "price below zero"), ("1e99", "price above 1e12")],
)
def test_what_is_no_single_price_is_noted_and_not_guessed(cell: object, problem: str) -> None:
    assert read_price(cell) == (None, problem)


@pytest.mark.parametrize(
    "cell", ["", "  ", "-", "—", "nan", "None", "N/A", None, np.nan, b"", b"nan"]
)
def test_an_empty_cell_has_no_price_and_no_problem(cell: object) -> None:
    assert read_price(cell) == (None, "")


@pytest.mark.parametrize(
    ("cell", "value"),
    [(1.5, 1.5), (1500, 1500.0), (np.int64(7), 7.0), (np.float32(0.5), 0.5), (1.125, 1.125)]
    + [(Decimal("1.500"), 1.5), (b"1500", 1500.0), (b"1 500 \xe2\x82\xbd", 1500.0)],
)
def test_a_number_is_not_text_and_needs_no_convention(cell: object, value: float) -> None:
    assert read_price(cell) == (value, "")


@pytest.mark.parametrize("cell", [True, [1500], {"value": 1500}, b"\xff", b"many"])
def test_what_is_neither_text_nor_number_is_noted(cell: object) -> None:
    assert read_price(cell) == (None, UNREADABLE)


@pytest.mark.parametrize(("cell", "name"), [("1.500", "point"), ("1,500 ₽", "comma")])
def test_a_single_open_price_is_a_thousand_and_said_to_be_open(cell: str, name: str) -> None:
    assert read_price(cell) == (1500.0, OPEN.format(name, "thousands"))


def test_prices_with_points_for_thousands_are_not_made_a_thousand_times_too_small() -> None:
    cells = ["950 €", "1.250 €", "12.500 €", "1.500"]
    reader = PriceReader(iter(cells))
    assert [reader.read(c) for c in cells] == [(v, "") for v in (950.0, 1250.0, 12500.0, 1500.0)]
    assert reader.convention == "prices: point for thousands"


@pytest.mark.parametrize(
    ("others", "cell", "value", "certain", "convention"),
    [
        (["12,50"], "1.250", 1250.0, True, "point for thousands, comma for decimals"),
        (["1.250.000"], "1.250", 1250.0, True, "point for thousands"),
        (["1,250.00"], "1.255", 1.255, True, "point for decimals, comma for thousands"),
        (["12.50"], "1,255", 1255.0, True, "point for decimals, comma for thousands"),
        (["12.5", "7.25"], "1.255", 1.255, True, "point for decimals"),
        (["1.250"], "1.500", 1500.0, False, "point for thousands (not certain)"),
        # Decimals of a fixed number of places, but not in every value.
        (["9.99"] * 20, "1.250", 1.25, False, "point for decimals"),
        (["1.250"] * 20 + ["9.99"], "1.500", 1500.0, True, "point for thousands"),
        # Half of the values show the one meaning, half the other.
        (["12.50", "12,50"], "1.255", 1255.0, False, None),
        # One slip in thirty.
        (["12.50"] * 30 + ["12,50"], "1.255", 1.255, True, None),
    ],
)
def test_the_other_values_of_a_column_decide(
    others: list[str], cell: str, value: float, certain: bool, convention: str | None
) -> None:
    reader = PriceReader([*others, cell])
    found = reader.read(cell)
    assert (found.value, found.problem == "") == (value, certain)
    if convention is not None:
        assert reader.convention == f"prices: {convention}"


def test_one_open_price_among_whole_ones_is_noted_as_doubtful() -> None:
    cells = ["1500", "1250", "3.125", "900"]
    reader = PriceReader(cells)
    doubt = OPEN.format("point", "thousands")
    assert [reader.read(cell).problem for cell in cells] == ["", "", doubt, ""]
    assert reader.read("3.125").value == 3125
    assert reader.convention == "prices: point for thousands (not certain)"


def test_kopecks_show_that_a_mark_stands_between_thousands() -> None:
    assert read_all(["1.500 руб. 50 коп.", "2.750"]) == [1500.5, 2750]
    assert PriceReader(["1.500 руб. 50 коп.", "2.750"]).read("2.750").problem == ""


def test_columns_without_marks_have_no_convention() -> None:
    assert PriceReader(["1500", "1 500 ₽", "", "от 5", 1.5, None]).convention == ""


def test_a_column_can_be_learned_in_parts() -> None:
    reader = PriceReader(["1.250"])
    reader.learn(["12,50"])
    assert reader.read("1.250") == (1250.0, "")


@st.composite
def columns(draw: st.DrawFn) -> tuple[list[str], list[float]]:
    """A column in one convention, with a value that shows it, and its values."""
    decimal = draw(st.sampled_from(".,"))
    group = draw(st.sampled_from(["", " ", "'", "\u202f", "," if decimal == "." else "."]))
    before, after = draw(
        st.sampled_from([("", ""), ("", " ₽"), ("$", ""), ("", " руб."), ("€ ", "")])
    )
    cents = draw(st.lists(st.integers(0, 10**11), min_size=1, max_size=8)) + [123_456]
    places = draw(st.sampled_from([1, 2]))
    cells = []
    for n in cents:
        whole, rest = divmod(n, 10**places)
        digits = f"{whole:,}".replace(",", group)
        cells.append(f"{before}{digits}{f'{decimal}{rest:0{places}}' if rest else ''}{after}")
    return cells, [n / 10**places for n in cents]


@given(columns())
def test_a_column_in_any_convention_is_read_to_its_values(
    column: tuple[list[str], list[float]],
) -> None:
    cells, values = column
    assert read_all(cells) == pytest.approx(values)


@given(st.lists(st.integers(1, 10**9), min_size=1), st.sampled_from(".,"))
def test_whole_prices_with_either_mark_for_thousands_are_read(values: list[int], mark: str) -> None:
    assert read_all([f"{n:,}".replace(",", mark) for n in values]) == values


@given(st.lists(st.text(max_size=30)), st.text(max_size=70))
def test_any_price_is_a_number_in_range_or_missing(others: list[str], text: str) -> None:
    price, problem = PriceReader([*others, text]).read(text)
    assert price is None or 0 <= price <= 1e12
    assert not (problem and not text.strip())

"""Contacts are found in the forms that sellers use; no text is a problem."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from benchmarks.redaction import HOSTILE, hostile
from src.cleaning.redact import redact

PHONES = [
    "8 (905) 123-45-67",
    "8(905)1234567",
    "89051234567",
    "+79051234567",
    "+7 905 123 45 67",
    "+7(905)123-45-67",
    "8-905-123-45-67",
    "8.905.123.45.67",
    "8 905 1234567",
    "8 905 12 34 567",
    "8 9 0 5 1 2 3 4 5 6 7",
    "8 (9O5) 123-45-67",
    "8-9О5-l23-4б-67",
    "89О51234567",
    "8 905 12З 45 67",
    "восемь 905 123 45 67",
    "восемь девятьсот пять сто двадцать три сорок пять шестьдесят семь",
    "восемь девять ноль пять один два три четыре пять шесть семь",
    "восемьдевятьсотпять1234567",
    "8 девятьсот двадцать девять 00 888 09",
    "8 905 один два три 45 67",
    "плюс семь 905 123-45-67",
    "905 123-45-67",
    "9051234567",
    "(905) 123-45-67",
    "(343) 123-45-67",
    "8 (343) 123-45-67",
    "8 343 123 45 67",
    "8(34344)2-34-56",
    "+44 7862 698089",
    "07862 698089",
    "07862698089",
    "0121 554 9564",
    "020 7946 0958",
    "zero seven eight six two six nine eight zero eight nine",
    "+1 212 555 0123",
    "212-555-0123",
    "(212) 555-0123",
    "+375 29 123-45-67",
    "8 029 123 45 67",
    "+380671234567",
    "380 67 123 45 67",
    "00 44 7862 698089",
    "+49 30 12345678",
    "+998 90 123 45 67",
    "+7 727 250 12 34",
    "8️⃣9️⃣0️⃣5️⃣1️⃣2️⃣3️⃣4️⃣5️⃣6️⃣7️⃣",
    "８９０５１２３４５６７",
    "𝟖𝟗𝟎𝟓𝟏𝟐𝟑𝟒𝟓𝟔𝟕",
    "8\u200b905\u200b123\u200b45\u200b67",
    "+7-905-123-4567",
    "8_905_123_45_67",
    "8 905 – 123 – 45 – 67",
    "8–905–123–45–67",
    "7 905 123 45 67",
    "79051234567",
    "8*905*123*45*67",
    "+7 (495) 123-45-67",
    "8495 1234567",
    "8 800 555 35 35",
    "89051234567 89061234567",
    "8-905-звоните-123-45-67",
    "8 905 ггг 123 вв 45 аа 67",
    "8х905х123х45х67",
    "8 (код 905) 123-45-67",
    "код 905 номер 1234567",
    "8\n905\n123\n45\n67",
    "8➖905➖123➖45➖67",
    "8, 9, 0, 5, 1, 2, 3, 4, 5, 6, 7",
    "8девять05 сто23 45 67",
    "плюссемьдевятьсотпятьстодвадцатьтрисорокпятьшестьдесятсемь",
    "8 701 123 45 67",
    "078six2698o89",
]
OTHERS = {
    "ivan.petrov@mail.ru": "[email]",
    "name @ yandex.ru": "[email]",
    "name (собака) mail.ru": "[email]",
    "name собака mail.ru": "[email]",
    "name собака mail точка ru": "[email]",
    "name(at)mail.ru": "[email]",
    "name@mail,ru": "[email]",
    "name at mail dot ru": "[email]",
    "https://avito.ru/moskva/1": "[link]",
    "www.shop.ru": "[link]",
    "vk.com/id1234": "[link]",
    "мойсайт.рф": "[link]",
    "t.me/ivan": "[link]",
    "wa.me/79051234567": "[link]",
    "shop точка ру": "[link]",
    "vk точка com / id1234": "[link]",
    "t. me/ivan": "[link]",
    "www shop ru": "[link]",
    "viber://chat?number=1": "[link]",
    "@ivan_petrov": "[name]",
    "telegram: ivan_petrov": "telegram: [name]",
    "tg@ivan_petrov": "tg[name]",
    "ник в тг: ivanpetrov": "ник в тг: [name]",
    "наш инстаграм ivan_petrov": "наш инстаграм [name]",
    "89051234567, 89061234567": "[phone], [phone]",
    "89051234567/89061234567": "[phone]/[phone]",
    "тел89051234567звоните": "тел[phone]звоните",
    "89051234567Звоните": "[phone]Звоните",
    "тел. 123-45-67": "тел. [phone]",
    "т. 45-67-89": "т. [phone]",
    "звонить 234-56-78, Анна": "звонить [phone], Анна",
    "call 01753 57450907429979846": "call [phone][phone]",
    "цена 500 (8 905 123 45 67)": "цена 500 ([phone])",
    "сайт shop.ru.": "сайт [link].",
}


@pytest.mark.parametrize("phone", PHONES)
def test_a_phone_number_disappears(phone: str) -> None:
    for text in (phone, f"Продам стол. Звоните: {phone}, Анна", f"цена 500 {phone}"):
        hidden = redact(text)
        assert "[phone]" in hidden
        assert not set(hidden.replace("цена 500", "")) & set("0123456789０𝟖"), hidden
        assert redact(hidden) == hidden


@pytest.mark.parametrize(("text", "expected"), OTHERS.items())
def test_other_contacts(text: str, expected: str) -> None:
    assert redact(text) == expected
    assert redact(expected) == expected


PIECES = st.sampled_from(
    [*"0123456789 -().+,:/@#№OoОЗlб\n", "8", "+7", "905", "тел", "т.", "восемь", "девятьсот"]
    + ["сто", "плюс", "mail.ru", "www.", "https://", "[phone]", "[link]", "telegram:", "собака"]
    + ["руб", "арт", "name", "\u200b", "７"]
)


@given(st.lists(PIECES, max_size=40).map("".join))
@example("ſix 8 905 123 45 67")
@example("89051234567 123-45-67")
@settings(max_examples=400, deadline=None)
def test_twice_is_once(text: str) -> None:
    hidden = redact(text)
    assert redact(hidden) == hidden


@given(st.text(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_text_passes(text: str) -> None:
    hidden = redact(text)
    assert redact(hidden) == hidden


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_long_text_that_begins_like_contacts_all_along_is_redacted(piece: str) -> None:
    # With a pattern that tries every way to divide it, this would not end.
    hidden = redact(hostile(piece, 20_000))
    assert redact(hidden) == hidden

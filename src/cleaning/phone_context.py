"""What surrounds a number in a text: the words and signs that tell a phone number from others."""

from __future__ import annotations

import re

_PLUS = re.compile(r"(?:\+|(?<!\w)плюс|(?<!\w)plus)[ (]{0,3}$", re.IGNORECASE)
_ARTICLE = re.compile(
    r"(?:арт(?:икул)?|код|штрих-?код|isbn|ean|s/?n|p/?n|imei|vin|инн|огрн|серийн\w*|сер|модель|"
    r"model|serial|объекта|заказа?|кадастров\w*|базе|кат\.|катал\w*|ту|гост)"
    r"(?: номер| number| no| товара| запчасти)?[\s.:№#-]{0,4}$",
    re.IGNORECASE,
)
_CALL = re.compile(
    r"(?<!\w)(?:т|тел|телефон\w*|моб\w*|сот\w*|(?:по)?звон\w*|номер\w*|в[ао]тс?ап|whats ?app|viber|"
    r"вайбер|phone|call|text|ring|mob|mobile|tel|contact)(?: по| на| number| no| us on| me on| on)?"
    r"[\s.:,=№-]{0,4}\(?$",
    re.IGNORECASE,
)
_UNIT = re.compile(
    r"\s?(?:руб|р\b|₽|\$|€|£|тыс|т\.|млн|м\b|г\b|шт|л\b|вт\b|gb|гб|usd|rub|x\d|х\d|mah|мач|"
    r"(?:см|мм|кг|гр|км|мл|квт|cm|mm|kg|km)(?![a-zа-я]))",
    re.IGNORECASE,
)


def plus_before(text: str, start: int) -> re.Match[str] | None:
    """Find "+" or "плюс" right before the number."""
    return _PLUS.search(text, max(0, start - 9), start)


def article_before(text: str, start: int) -> bool:
    """Whether a word such as "article" or "code" comes right before the number."""
    return _ARTICLE.search(text, max(0, start - 40), start) is not None


def call_before(text: str, start: int) -> bool:
    """Whether a word such as "phone" or "call" comes right before the number."""
    return _CALL.search(text, max(0, start - 30), start) is not None


def unit_after(text: str, end: int) -> bool:
    """Whether a currency or a unit follows the number."""
    return _UNIT.match(text, end) is not None


def continues_another(text: str, start: int) -> bool:
    """Whether the number continues another: "5154-030-73613255"."""
    return start > 1 and text[start - 1] in "-–./*" and text[start - 2].isdigit()


def bracket_stays_open(text: str, start: int, end: int) -> bool:
    return text.count("(", start, end) > text.count(")", start, end)


def code_in_brackets(text: str, start: int, end: int) -> bool:
    """Whether the number begins with a code in parentheses: "(343) 123-45-67"."""
    return text[start - 1 : start] == "(" and ")" in text[start + 2 : min(end, start + 7)]


def serial_before(text: str, start: int) -> bool:
    """Whether Latin letters or a number sign come right before, as in "SN8905…"."""
    before = text[max(0, start - 12) : start]
    if before.endswith(("#", "№")):
        return True
    glued = re.search(r"[A-Za-z]+\Z", before)
    # A whole word that lost its space ("quote01753 …") is not the prefix of a serial number.
    if glued is None or (len(glued[0]) > 3 and not glued[0].isupper()):
        return False
    return not call_before(text, start)


def start_with_prefix(text: str, start: int, end: int) -> int:
    """Move the start back over "+", "плюс" and a parenthesis that closes inside the number."""
    inside = text[start:end]
    if inside.count(")") > inside.count("(") and text[start - 1 : start] == "(":
        start -= 1
    plus = plus_before(text, start)
    return plus.start() if plus else start

"""Hide contacts that sellers put into texts: e-mails, links, phone numbers, messenger names."""

from __future__ import annotations

import re

from src.prepare.phones import hide_phones

EMAIL, LINK, PHONE, NAME = "[email]", "[link]", "[phone]", "[name]"

_DOMAIN = r"(?:[a-z0-9][a-z0-9-]{0,62}\.){1,5}[a-z]{2,12}"
_EMAIL = re.compile(
    rf"(?<![\w.+-])[\w.+-]{{1,64}}\s?(?:@|[(\[]\s?(?:at|собака)\s?[)\]]|\sсобака\s)\s?{_DOMAIN}\b",
    re.IGNORECASE,
)
# A bare domain counts for endings that sentences glued at a full stop do not produce.
_LINK = re.compile(
    r"(?:https?|hxxps?|ftp)://[^\s<>\"«»]{1,2000}"
    r"|(?<![\w@.-])www\.[^\s<>\"«»,]{2,500}"
    r"|(?<![\w@.-])(?:[a-z0-9][a-z0-9-]{0,62}\.){1,4}"
    r"(?:(?:ru|su|com|net|org|kz|ua|biz|(?:co|org)\.uk)\b(?:/[^\s<>\"«»,]{0,500})?"
    r"|(?:me|by|info|io|eu|de|ly|cc|gg|tv|to|link|club|page|shop|store|online|site|pro|im|app)"
    r"/[^\s<>\"«»,]{1,500})"
    r"|(?<![\w@.-])[а-яё0-9-]{1,63}\.рф\b(?:/[^\s<>\"«»,]{0,500})?"
    r"|(?<![\w@.-])[a-z0-9-]{2,63}\s?[(\[]?\s?(?:точка|dot)\s?[)\]]?\s?(?:ру|ком|ru|com|рф)\b",
    re.IGNORECASE,
)
_MESSENGER = (
    r"(?:telegram|телеграмм?|телега|тг|tg|instagram|insta|инстаграмм?|инста|"
    r"skype|скайп|facebook|fb|vk|вк)"
)
# Telegram and Instagram names; one that starts with a digit ("@2.6GHz") is a clock rate.
_NAME = re.compile(
    rf"(?:(?<![\w@.])|(?<=telegram)|(?<=instagram)|(?<=facebook))@[a-z_][\w.]{{2,40}}(?<!\.)"
    rf"|(?<!\w)(?P<app>{_MESSENGER}\s?[:=]\s?)"
    r"(?!whats|viber|telegram|insta|skype|https?)[a-z_][a-z0-9_.]{4,31}(?<!\.)",
    re.IGNORECASE,
)


def redact(text: str) -> str:
    """Replace contacts by `[email]`, `[link]`, `[phone]` and `[name]`.

    Knows Russian numbers with and without 8 / +7, in any usual layout, with look-alike letters
    ("8 (9O5)") and spelled digits ("восемь 905 …"), and international ones with + or 00. Leaves
    prices, sizes, years, article and model numbers alone. `redact(redact(x)) == redact(x)`.
    """
    # A replacement can bring two pieces together; every round removes something, so it ends.
    while (again := _redact_once(text)) != text:
        text = again
    return text


def _redact_once(text: str) -> str:
    lower = text.lower()
    if "@" in text or "собака" in lower or "at)" in lower or "at]" in lower:
        text = _EMAIL.sub(EMAIL, text)
    if "." in text or "://" in text or "точка" in lower or "dot" in lower:
        text = _LINK.sub(_hide_link, text)
    if "@" in text or ":" in text or "=" in text:
        text = _NAME.sub(lambda match: (match["app"] or "") + NAME, text)
    return hide_phones(text, PHONE)


def _hide_link(match: re.Match[str]) -> str:
    link = match[0]
    return LINK + link[len(link.rstrip(".,;:!?)]}'")) :]

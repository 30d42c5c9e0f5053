"""Hide the contacts in sellers' texts: e-mails, links, phone numbers, messenger names."""

from __future__ import annotations

import re

from src.cleaning.phones import hide_phones

EMAIL, LINK, PHONE, NAME = "[email]", "[link]", "[phone]", "[name]"

_DOMAIN = r"(?:[a-z0-9][a-z0-9-]{0,62}\.){1,5}[a-z]{2,12}"
# Written to get past a site's filter: "mail . ru", "mail,ru", "mail(точка)ru", "mail точка ру".
_SPELLED_DOT = r"\s?[(\[{*]\s?(?:\.|точка|dot)\s?[)\]}*]\s?|\s(?:точка|dot)\s"
_DOT = rf"(?:\s?[.,]\s?|{_SPELLED_DOT})"
_ENDING = r"(?:ru|su|com|net|org|ua|by|kz|рф|ру|ком|уа|бай|кз)\b"
_PROVIDER = (
    r"(?:mail|yandex|ya|gmail|bk|list|inbox|rambler|hotmail|outlook|yahoo|icloud|ukr|"
    r"яндекс|мейл|мэйл|майл|джимейл|гмейл|рамблер)"
)
_EMAIL = re.compile(
    r"(?<![\w.+-])[\w.+-]{1,64}"
    r"(?:\s?(?:[@＠]|[(\[{*_\"-]\s?(?:at|a|@|dog|гав|собач?ка)\s?[)\]}*_\"-]|собач?ка)\s?"
    rf"(?:{_DOMAIN}\b|[a-zа-яё0-9][\w-]{{0,62}}{_DOT}{_ENDING}|{_PROVIDER}\s{_ENDING})"
    rf"|\sat\s[a-z0-9-]{{1,63}}(?:{_SPELLED_DOT}){_ENDING})",
    re.IGNORECASE,
)
_PATH = r"\s?(?:[/\\]|слэш\s|slash\s)\s?[\w.+/?=&%-]{2,200}"
_SITE = r"(?:vk|вк|t|т|ok|wa|instagram|инстаграмм?|facebook|фейсбук|avito|авито|youtube|ютуб)"
# A bare domain counts only with endings that a lost space after a full stop does not produce.
_LINK = re.compile(
    r"(?<![a-z0-9])[a-z][a-z0-9+]{1,11}\s?:\s?//\s?[^\s<>\"«»]{1,2000}"
    rf"|(?<![\w@.-])www[\s.]{{1,2}}[\w-]{{2,63}}(?:{_DOT}|\s){_ENDING}(?:/[^\s<>\"«»,]{{0,500}})?"
    r"|(?<![\w@.-])www\.[^\s<>\"«»,]{2,500}"
    rf"|(?<![\w@.-]){_SITE}(?:{_DOT}|\s)(?:com|ком|me|ме|ru|ру){_PATH}"
    r"|(?<![\w@.-])(?:[a-z0-9][a-z0-9-]{0,62}\.){1,4}"
    r"(?:(?:ru|su|com|net|org|kz|ua|biz|(?:co|org)\.uk)\b(?:/[^\s<>\"«»,]{0,500})?"
    r"|(?:me|by|info|io|eu|de|ly|cc|gg|tv|to|link|club|page|shop|store|online|site|pro|im|app|"
    r"be|gl|ws|ai|gd|tech|space|website|live|world|art|moda|ge|am|uz|kg|pl|lv|lt|fr|es|cz)"
    r"/[^\s<>\"«»,]{1,500})"
    r"|(?<![\w@.-])[a-zа-яё0-9-]{1,63}\.рф\b(?:/[^\s<>\"«»,]{0,500})?"
    rf"|(?<![\w@.-])[a-zа-яё0-9-]{{2,63}}(?:{_SPELLED_DOT}){_ENDING}(?:{_PATH})?"
    rf"|(?<![\w@.-])[a-z0-9-]{{3,63}}\s\.\s?{_ENDING}|(?<=сайт )[a-z0-9-]{{3,63}}\s{_ENDING}",
    re.IGNORECASE,
)
# Every link, name or bracketed "at" has one of these: quick to search, and most texts have none.
_LINK_HINT = re.compile(
    r"[.,)\]}*]\s?(?:ru|su|com|net|org|ua|by|kz|рф|ру|ком|biz|co|me|ме)(?!\w)|\.[a-z]{2,8}/"
    r"|(?:com|ком|me|ме|ru|ру)\s?[/\\]\s?[a-z]"
)
_LINK_SIGNS = ("//", "www", "точка", "dot", "слэш", "slash", "сайт ")
_AT_HINT = re.compile(r"[(\[{*_\"-]\s?(?:at|a|dog|гав)\s?[)\]}*_\"-]|\sdot\s")
_APP = (
    r"(?:telegramm?|телеграмм?е?|телег[аеу]|тг|tg|instagramm?|insta?|инстаграмм?е?|инст[аеу]?|"
    r"skype|скайпе?|facebook|фейсбуке?|fb|vk|вк|вконтакте|snapchat|discord|дискорде?|tiktok|"
    r"тикток|ник|nick|username)"
)
_APP_HINT = re.compile(rf"{_APP}(?!\w)")
_OF_APP = r"(?:[\s-]?(?:ник\w?|логин|собака|канал|аккаунт|профиль|channel|account|is|id)(?=[\s:]))?"
_HANDLE = (
    r"@?\s?(?!whats|viber|telegram|insta|skype|facebook|youtube|https?)"
    r"[a-z_][a-z0-9_.]{4,31}(?<!\.)"
)
# After an app without a colon, a plain word ("telegram premium") is not a name.
_UNLIKE_WORD = (
    r"(?=@?\s?(?:[a-z0-9.]{2,31}_|(?-i:[a-z]{2,31}\.?[a-z]{0,31}[0-9]|[a-z]{2,31}\.[a-z])))"
)
# What starts with a digit ("@2.6GHz") is a clock rate.
_NAME = re.compile(
    rf"(?:(?<![\w@.])|(?<=telegram)|(?<=instagram)|(?<=facebook)|(?<!\w)(?P<glued>{_APP}))"
    r"[@＠][a-z_][\w.]{2,40}(?<!\.)"
    r"|(?<![a-z0-9@£] )(?<![a-z0-9@£])@ [a-z_][\w.]{4,40}(?<!\.)"
    r"|(?<![\w@])@ [a-z]{2,31}_[a-z0-9_]{2,31}"
    rf"|(?<!\w)(?P<app>{_APP}{_OF_APP}\s?(?:[:=]\s?|(?=@))|ник (?:в|на) {_APP}\s(?:-\s)?){_HANDLE}"
    # "12 000 тг" is a price in tenge.
    rf"|(?<!\w)(?!(?<=\d\d )тг)(?P<word>{_APP}{_OF_APP}(?:\s?[-–—,/(\"«]\s?|\s))"
    rf"{_UNLIKE_WORD}{_HANDLE}",
    re.IGNORECASE,
)


def redact(text: str) -> str:
    """Replace contacts by `[email]`, `[link]`, `[phone]` and `[name]`.

    Finds Russian phone numbers with and without 8 / +7 in any usual layout, with look-alike
    letters ("8 (9O5)"), spelled digits ("восемь 905 …") and words in between ("8 905 звоните 123
    …"), international numbers with + or 00, and e-mails, links and names written to get past a
    site's filter ("ivan собака mail точка ru"). Leaves prices, sizes, years, article and model
    numbers alone. `redact(redact(x)) == redact(x)`.
    """
    # A replacement can bring two pieces together. Every pass removes something, so this ends.
    while (again := _redact_once(text)) != text:
        text = again
    return text


def _redact_once(text: str) -> str:
    lower = text.lower()
    if "@" in text or "＠" in text or "соба" in lower or _AT_HINT.search(lower):
        text = _EMAIL.sub(EMAIL, text)
    if any(sign in lower for sign in _LINK_SIGNS) or _LINK_HINT.search(lower):
        text = _LINK.sub(_hide_link, text)
    if "@" in text or "＠" in text or _APP_HINT.search(lower):
        text = _NAME.sub(_hide_name, text)
    return hide_phones(text, PHONE)


def _hide_name(match: re.Match[str]) -> str:
    return (match["glued"] or match["app"] or match["word"] or "") + NAME


def _hide_link(match: re.Match[str]) -> str:
    link = match[0]
    return LINK + link[len(link.rstrip(".,;:!?)]}'")) :]

"""Titles and bodies of the demo's listings, from small grammars, and altered reposts."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from src.collect.demo.catalog import Category, Thing

T = TypeVar("T")
Rng = np.random.Generator
# Shorter bodies get another sentence: very short ones would be near-duplicates by chance.
_MIN_TEXT_WORDS = 14


class ListingText(NamedTuple):
    """What a seller wrote, and the contacts planted in it, exactly as written."""

    title: str
    body: str
    contacts: tuple[str, ...] = ()


_PHRASES: dict[str, Any] = tomllib.loads(
    Path(__file__).with_name("phrases.toml").read_text(encoding="utf-8")
)
_SLOT = re.compile(r"\{([^{}]+)\}")


def fill(template: str, rng: Rng, own: dict[str, str]) -> str:
    """Fill the slots of a sentence, inner ones first: choices, numbers, `own` and list words."""

    def value(match: re.Match[str]) -> str:
        slot = str(match[1])
        if "|" in slot:
            return pick(slot.split("|"), rng)
        if numbers := re.fullmatch(r"(\d+)-(\d+)", slot):
            return str(rng.integers(int(numbers[1]), int(numbers[2]) + 1))
        words: list[str] = [own[slot]] if slot in own else _PHRASES["words"][slot]
        return pick(words, rng)

    while _SLOT.search(template):
        template = _SLOT.sub(value, template)
    return template


def pick(options: Sequence[T], rng: Rng) -> T:
    return options[int(rng.integers(len(options)))]


def informative(category: Category, thing: Thing, rng: Rng) -> ListingText:
    """Return a text that makes the category clear: it names the product and its features."""
    own = _own(category, thing, rng)
    vague = rng.random() < 0.12
    title = fill(pick(_PHRASES["vague_titles"] if vague else _PHRASES["titles"], rng), rng, own)
    count = int(rng.integers(2, 7))
    opened = vague or rng.random() < 0.5
    of_kind = int(rng.integers(2, min(4, count) + 1)) - opened
    templates = [pick(_PHRASES["openings"], rng)] if opened else []
    templates += _sample(category.sentences, of_kind, rng)
    generic = list(_sample(_PHRASES["generic"], 6, rng))
    templates += [generic.pop() for _ in range(max(0, count - len(templates)))]
    sentences = [fill(template, rng, own) for template in templates]
    while len(" ".join(sentences).split()) < _MIN_TEXT_WORDS:
        sentences.append(fill(generic.pop(), rng, own))
    return _finish(title, _shuffled(sentences, rng), rng)


def dull(rng: Rng) -> ListingText:
    """Return a text that says nothing about the category."""
    title = fill(pick(_PHRASES["dull_titles"], rng), rng, {})
    generic = _sample(_PHRASES["generic"], int(rng.integers(2, 6)), rng)
    return _finish(title, [fill(template, rng, {}) for template in generic], rng)


def with_contacts(text: ListingText, rng: Rng) -> ListingText:
    """Plant one or two contacts in the body: phone numbers, e-mails, links, messenger names."""
    body, planted = text.body, []
    for _ in range(1 + int(rng.random() < 0.3)):
        contact = _contact(rng)
        phrase = pick(_PHRASES["contact_phrases"], rng).replace("{}", contact, 1)
        phrase = phrase.replace("{}", pick(_PHRASES["words"]["person"], rng))
        body = f"{phrase} {body}" if rng.random() < 0.25 else f"{body} {phrase}"
        planted.append(contact)
    return ListingText(text.title, body.strip(), tuple(planted))


def altered_text(text: ListingText, rng: Rng) -> ListingText:
    """Return the text as a seller reposts it: a few words changed, something added."""
    title, words = text.title, text.body.split(" ")
    if title and rng.random() < 0.5:
        title = f"{title} {pick(('срочно', 'торг', 'снова', 'ещё раз'), rng)}"
    # One word in forty: each changes three word 3-grams. Contacts stay as they are.
    taken = {word for contact in text.contacts for word in contact.split()}
    free = [i for i, word in enumerate(words) if word.isalpha() and word not in taken]
    for _ in range(len(words) // 40 + int(len(words) > 25 and rng.random() < 0.5)):
        if free:
            words[pick(free, rng)] = pick(("очень", "вещь", "можно", "сейчас"), rng)
    body = " ".join(words)
    if body and rng.random() < 0.7:
        body = f"{body} {pick(_PHRASES['repost_tails'], rng)}"
    return ListingText(title, body, text.contacts)


def _own(category: Category, thing: Thing, rng: Rng) -> dict[str, str]:
    noun = pick(thing.nouns, rng)
    own = {
        "noun": noun,
        "Noun": noun[0].upper() + noun[1:],
        "make": fill(pick(thing.makes, rng), rng, {}),
    }
    return own | {"detail": fill(pick(category.details, rng), rng, own)}


def _finish(title: str, sentences: list[str], rng: Rng) -> ListingText:
    """Join the sentences as people and sites do: line breaks, capitals, stray HTML entities."""
    body = pick((" ", " ", " ", "\n", "\n\n"), rng).join(sentences)
    style = rng.random()
    if style < 0.06:
        title = title.upper()
    elif style < 0.12:
        body = body.lower()
    elif style < 0.18:
        title = f"{title}!!!"
    if rng.random() < 0.12:
        body = body.replace(" ", "&nbsp;", 1).replace(" и ", " &amp; ")
    if rng.random() < 0.08:
        first, _, rest = body.partition(" ")
        body = f"&quot;{first}&quot; {rest}"
    return ListingText(title, body)


def _contact(rng: Rng) -> str:
    # Numbers of the form 00x-xx-xx are never assigned, so nobody's phone number appears.
    code = pick(("903", "905", "916", "925", "926", "968", "977", "985", "999"), rng)
    a, b, c = f"00{rng.integers(1, 10)}", f"{rng.integers(10, 100)}", f"{rng.integers(10, 100)}"
    who = pick(("ivan", "olga", "sklad", "prodam", "masha", "sergey"), rng)
    name = f"{who}{rng.integers(10, 9999)}"
    site = pick(("mail.ru", "yandex.ru", "gmail.com", "bk.ru"), rng)
    return pick(
        (
            f"+7 ({code}) {a}-{b}-{c}",
            f"8 {code} {a} {b} {c}",
            f"8{code}{a}{b}{c}",
            f"8-{code}-{a}-{b}-{c}",
            f"+7{code}{a}{b}{c}",
            f"8({code}){a}{b}{c}",
            f"+7 {code} {a}-{b}{c}",
            f"8 {code} {a}{b}{c}",
            f"{name}@{site}",
            f"https://vk.com/{name}",
            f"t.me/{name}",
            f"www.{name}.ru",
        ),
        rng,
    )


def _sample(options: Sequence[T], count: int, rng: Rng) -> list[T]:
    chosen = rng.choice(len(options), size=min(count, len(options)), replace=False)
    return [options[int(i)] for i in chosen]


def _shuffled(items: list[T], rng: Rng) -> list[T]:
    return [items[int(i)] for i in rng.permutation(len(items))]

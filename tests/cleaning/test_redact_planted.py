"""How many contacts of each kind are found, and how many ordinary texts are changed."""

from __future__ import annotations

from benchmarks.redaction import is_found, ordinary_texts, planted_texts
from src.cleaning.redact import redact


def test_planted_contacts_are_found() -> None:
    missed = {
        kind: [one.text for one in planted if not is_found(one, redact(one.text))]
        for kind, planted in planted_texts(each=65).items()
    }
    assert len(missed) >= 30
    assert sum(map(len, missed.values())) <= 0.01 * 65 * len(missed), missed
    assert {kind: texts for kind, texts in missed.items() if len(texts) > 0.03 * 65} == {}


def test_a_contact_that_is_left_counts_as_missed() -> None:
    for planted in planted_texts(each=5).values():
        assert not any(is_found(one, one.text) for one in planted)


def test_ordinary_texts_are_left_alone() -> None:
    touched = {
        kind: [text for text in texts if redact(text) != text]
        for kind, texts in ordinary_texts(each=125).items()
    }
    assert len(touched) >= 30
    assert sum(map(len, touched.values())) <= 0.005 * 125 * len(touched), touched
    assert {kind: texts for kind, texts in touched.items() if len(texts) > 0.02 * 125} == {}


def test_redacting_twice_changes_nothing_more() -> None:
    for planted in planted_texts(each=20, seed=2).values():
        for one in planted:
            assert redact(redact(one.text)) == redact(one.text)

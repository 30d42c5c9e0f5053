"""What the page shows: which examples, which counts, which words."""

from __future__ import annotations

import base64
import io

import numpy as np
import pandas as pd
from PIL import Image

from src.evaluation.added import ADDED
from src.report.cards import THUMBNAIL_SIDE, error_cards, label_error_cards, spread, thumbnail
from src.report.dataset import count_dataset
from src.report.figures.categories import mean_shares, shares_figure
from src.report.figures.confusion import Confusion, count_confusions, most_confused
from src.report.figures.scores import pairs_figure
from src.report.figures.style import escape, rounded, shorten
from src.report.formats import counted, percent, thousands, three_decimals
from src.report.headline import answered, headline, not_different
from src.report.results import Results
from src.tracking.times import with_times
from tests.report.conftest import CHOSEN, with_scores


def test_examples_come_in_turn_over_the_categories_and_the_surest_first() -> None:
    table = pd.DataFrame(
        {"id": list("abcde"), "kind": list("xxxyz"), "sure": [0.9, 0.8, 0.7, 0.6, 0.1]}
    )
    assert spread(table, "kind", "sure", 3)["id"].tolist() == ["a", "d", "e"]
    assert spread(table, "kind", "sure", 4)["id"].tolist() == ["a", "b", "d", "e"]
    assert len(spread(table, "kind", "sure", 9)) == 5


def test_errors_are_wrong_and_tell_the_three_likeliest(results: Results) -> None:
    cards = error_cards(results, "stack")
    assert cards
    for card in cards:
        probs = [guess.prob for guess in card.guesses]
        assert len(probs) == 3 and probs == sorted(probs, reverse=True)
        assert card.guesses[0].name != card.actual
        assert [g.name for g in card.guesses if g.right] in ([], [card.actual])
    assert len(error_cards(results, "stack", limit=2)) == 2
    assert {card.listing.photo is None for card in cards} == {True, False}


def test_examples_tell_what_moved_the_answer(results: Results) -> None:
    for card in error_cards(results, "stack"):
        # Of `made_predictions`, whatever a listing lacks.
        assert card.added == {"photo": 2.0, "text": 1.5, "price": -0.5}
    assert all(card.added == {} for card in error_cards(results, "cnn"))
    for card in label_error_cards(results):
        assert ("photo" in card.added) <= (card.listing.photo is not None)
        assert ("price" in card.added) <= (card.listing.price is not None)
    assert any(card.added for card in label_error_cards(results))


def test_examples_show_the_nearest_ads(results: Results) -> None:
    for card in [*error_cards(results, "stack"), *label_error_cards(results)]:
        near = card.listing.nearest
        assert len(near) == 3
        similar = [ad["similarity"] for ad in near]
        assert similar == sorted(similar, reverse=True)
        assert all(ad["category"] in set(results.listings["category"]) for ad in near)


def test_shares_are_means_of_what_each_listing_was_moved_by() -> None:
    lines = [("a", 3, -1, 0), ("a", 1, 1, 2), ("b", 0, 2, 0), ("c", 0, 0, 0)]
    table = pd.DataFrame(lines, columns=["actual", *ADDED.values()]).assign(row="stack")
    shares = mean_shares(table)
    assert shares.loc["a"].tolist() == [0.5, 0.25, 0.25]
    assert shares.loc["b"].tolist() == [0, 1, 0]
    # Nothing is known of c; the category of the largest share of the photo is on top.
    assert shares.index.tolist() == ["b", "a"]
    figure = shares_figure(table, "stack")
    assert figure is not None and [bar.name for bar in figure.data] == ["photo", "text", "price"]
    assert shares_figure(table, "cnn") is None
    assert shares_figure(table, "") is None


def test_label_errors_come_from_the_list_by_rank(results: Results) -> None:
    first = results.label_errors.sort_values("rank")["id"].iloc[0]
    cards = label_error_cards(results, limit=4)
    assert cards[0].listing.id == first
    assert all(card.given != card.likelier for card in cards)


def test_a_thumbnail_is_a_small_picture_inside_its_address() -> None:
    pixels = np.full((160, 160, 3), (200, 10, 10), np.uint8)
    uri = thumbnail(pixels)
    assert uri == thumbnail(pixels.copy())
    kind, _, content = uri.partition(",")
    assert kind == "data:image/webp;base64"
    with Image.open(io.BytesIO(base64.b64decode(content))) as image:
        assert image.size == (THUMBNAIL_SIDE, THUMBNAIL_SIDE)


def test_the_headline_is_of_the_honest_row_that_val_chooses(results: Results) -> None:
    lucky = with_scores(results, "cnn", val_f1_macro=0.1, f1_macro=0.99)
    lucky = with_scores(lucky, "logreg_leaky", f1_macro=1.0)
    found = headline(lucky, CHOSEN)
    assert found.scores["row"] == lucky.chosen == "stack"
    assert (found.better_on_test, found.predicting) == ("cnn", "stack")
    pairs = results.confusion["stack"]
    assert found.correct == (pairs["actual"] == pairs["predicted"]).sum()


def test_the_headline_says_nothing_of_the_best_on_test_if_it_is_the_chosen_row(
    results: Results,
) -> None:
    assert headline(with_scores(results, "stack", f1_macro=0.99), CHOSEN).better_on_test == ""


def test_without_fused_rows_the_only_model_predicts(results: Results) -> None:
    alone = CHOSEN.model_copy(update={"model": "", "fused_model": ""})
    assert headline(results, alone).predicting == "tfidf"


def test_rows_that_do_not_differ_significantly() -> None:
    pairs = pd.DataFrame({"row": ["a", "a", "b"], "against": ["b", "c", "c"], "p_holm": [1, 0, 1]})
    assert not_different(pairs, "a") == ["b"]
    assert not_different(pairs, "c") == ["b"]


def test_targets_that_a_row_does_not_reach_are_left_out() -> None:
    scores = {"share_at_90": 0.5, "threshold_at_90": 0.7, "f1_macro": 1}
    assert answered(scores) == {0.9: (0.5, 0.7)}


def test_counts_of_the_listings_add_up(results: Results) -> None:
    counts = count_dataset(results)
    assert sum(category.total for category in counts.categories) == counts.listings
    assert all(sum(c.by_split.values()) == c.total for c in counts.categories)
    without = sum(category.no_photo for category in counts.categories)
    assert without == (results.listings["photo_row"] < 0).sum()
    steps = {(step, n) for step, _, n in counts.left_out}
    assert steps == {
        ("collect: left out", 2),
        ("collect: noted", 2),
        ("pack: photo not used", 3),
        ("prepare: left out", 2),
        ("prepare: left out", 3),
        ("prepare: left out", 1),
    }


def test_confusions_are_counted() -> None:
    pairs = pd.DataFrame({"actual": list("aaab"), "predicted": list("abba")})
    assert count_confusions(pairs, ["a", "b", "c"]).tolist() == [[1, 2, 0], [1, 0, 0], [0, 0, 0]]
    assert most_confused(pairs) == [Confusion("a", "b", n=2, total=3)]


def test_names_are_cut_before_they_are_escaped() -> None:
    assert escape("a<b>&") == "a&lt;b&gt;&amp;"
    assert shorten("&&&&&", 3) == "&amp;&amp;…"


def test_numbers_are_written_as_people_write_them() -> None:
    assert [counted(n, "listing") for n in (0, 1, 1200)] == [
        "0 listings", "1 listing", "1\u00a0200 listings",
    ]  # fmt: skip
    assert (percent(0.1234), thousands(27123.0)) == ("12.3%", "27\u00a0123")
    assert (three_decimals(0.98765), three_decimals(None)) == ("0.988", "")
    assert rounded([0.123456, float("nan")]) == [0.1235, None]


def test_a_p_value_is_never_shown_as_zero(results: Results) -> None:
    figure = pairs_figure(results.pairs.head(1).assign(p_holm=0.0000003))
    assert figure is not None
    assert figure.data[0].text[0].endswith("p < 0.001")
    assert pairs_figure(results.pairs.iloc[:0]) is None


def test_times_stand_in_their_place(page: str) -> None:
    timed = with_times(page, {"train_image@cnn": 33.1, r"odd<\1>": 2.0})
    assert "<td>train_image@cnn</td><td>33.1 s</td>" in timed
    assert r"<td>odd&lt;\1&gt;</td>" in timed
    assert "<!--times-->" not in timed
    assert with_times(page, {}) == page

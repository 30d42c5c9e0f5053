"""The ads that are most like a listing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from src.evaluation.nearest import (
    NEAREST_COLUMNS,
    TrainingAds,
    nearest_of_others,
    training_ads,
)
from tests.made import made_output, made_table


def test_ads_are_found_by_a_photo_a_text_or_both(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"id": list("abcd"), "category": "x", "title": ["long " * 50] * 4})
    photo, text = (rng.normal(size=(3, 8)).astype(np.float32) for _ in range(2))
    ads = training_ads(
        table, {"photo": (np.array(["a", "b", "e"]), photo), "text": (np.array(list("bcd")), text)}
    )
    ads.save(tmp_path)
    ads = TrainingAds.load(tmp_path)
    assert ads.nearest({"photo": photo[:1]}, 1)[0].id == "a"
    assert ads.nearest({"text": 3 * text[2:]}, 1)[0].id == "d"
    both = ads.nearest({"photo": photo[1:2], "text": text[:1]}, 4)
    assert (both[0].id, len(both), len(both[0].title)) == ("b", 4, 120)
    assert both[0].similarity == pytest.approx(1, abs=1e-2)
    assert ads.nearest({}, 3) == []
    assert ads.prior(["w", "x"]).tolist() == [0, 1]


def test_the_nearest_are_of_other_groups_than_the_listing() -> None:
    table = made_table()
    table.loc[table.index < 4, "group"] = "one"
    features = np.random.default_rng(0).normal(size=(len(table), 6)).astype(np.float32)
    features[4] = features[0] + 0.01
    output = made_output(table, features=features)
    found = nearest_of_others(table, {"text": output}, ["r00", "r09", "r00"])
    assert found.columns.tolist() == NEAREST_COLUMNS
    assert found["id"].tolist() == ["r00"] * 3 + ["r09"] * 3
    assert found["title"][0] == table["title"][4]
    assert found["similarity"][0] == pytest.approx(1, abs=0.01)
    assert found["similarity"].max() < 1.01
    assert nearest_of_others(table, {"text": output}, []).empty

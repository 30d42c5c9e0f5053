"""Every preset for weights of the Hub, on a small random network of the same architecture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from src.core.files import read_json
from src.core.params import parse_params
from src.core.schema import KernelSettings
from src.encoders.common.encoder import Encoder, FitPlan
from src.encoders.image.model import ImageClassifier
from src.encoders.image.train import image_encoder
from src.encoders.text.model import load_text_model
from src.encoders.text.tokens import tokenize
from src.encoders.text.train import text_encoder
from src.encoders.weights.fetch import fetch_weights
from tests.encoders.conftest import TRAINER
from tests.encoders.weights.hub_server import serving, use_hub
from tests.encoders.weights.tiny_models import (
    TINY_IMAGES,
    TINY_TEXTS,
    shrink_timm,
    write_image_repo,
    write_text_repo,
)
from tests.made import made_table, params_content

ROOT = Path(__file__).parents[3]
PARAMS = parse_params(params_content({"weights": "hub"}))
IMAGES = {row: s for row, s in PARAMS.image_models.items() if s.weights == "hub"}
TEXTS = {row: s for row, s in PARAMS.text_models.items() if s.weights == "hub"}
PIXELS = 40
# Two steps, each of two listings of every category.
LISTINGS, BATCH = 12, 6
PLAN = FitPlan(seed=1, name="preset")


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return made_table(train=LISTINGS, val=3, test=3)


@pytest.fixture
def repos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Yield the folder of what a local Hub serves, with timm's networks made small."""
    torch.manual_seed(3)
    shrink_timm(monkeypatch)
    (tmp_path / "repos").mkdir()
    with serving(tmp_path / "repos") as server:
        use_hub(monkeypatch, server.url, tmp_path / "cache")
        yield tmp_path / "repos"


def short(settings: Any) -> Any:
    """Return a preset with small batches, and in epochs no more than are needed to see it all."""
    changes: dict[str, Any] = {"batch": BATCH}
    if not isinstance(settings, KernelSettings):
        changes |= {"folds": 0, "epochs": settings.freeze_epochs + 1}
    return settings.model_copy(update=changes)


def fitted(encoder: Encoder) -> tuple[Any, Any]:
    """Fit on the first listings; return the model, and what it says of all."""
    model, _ = encoder.fit(np.arange(LISTINGS), PLAN)
    found = encoder.score(model, encoder.rows)
    assert np.isfinite(found.features).all()
    np.testing.assert_allclose(found.probs.sum(1), 1, rtol=1e-5)
    return model, found


@pytest.mark.parametrize("row", IMAGES)
def test_a_photo_preset_is_fitted_saved_and_loaded(
    row: str, repos: Path, table: pd.DataFrame, tmp_path: Path
) -> None:
    settings = short(IMAGES[row])
    config = read_json(write_image_repo(repos, settings.network) / "config.json")["pretrained_cfg"]
    weights = tmp_path / "weights" / row
    fetch_weights("image", settings, weights)
    about = read_json(weights / "source.json")
    assert (about["mean"], about["std"]) == (config["mean"], config["std"])
    assert config["input_size"] == [3, settings.pixels, settings.pixels]

    (tmp_path / "packed").mkdir()
    rng = np.random.default_rng(0)
    photos = rng.integers(0, 255, (len(table), PIXELS, PIXELS, 3), dtype=np.uint8)
    np.save(tmp_path / "packed" / "photos.npy", photos)
    encoder: Any = image_encoder(table, row, settings, TRAINER, 1, tmp_path)
    before = encoder.data.start(["a"]).network.backbone
    model, found = fitted(encoder)
    after = model.network.cpu().backbone
    frozen = isinstance(settings, KernelSettings)
    assert frozen == all(
        torch.equal(a, b) for a, b in zip(before.parameters(), after.parameters(), strict=True)
    )
    given = []
    after.register_forward_pre_hook(lambda _, x: given.append(x[0]))
    model.network.features(torch.full((1, PIXELS, PIXELS, 3), 128, dtype=torch.uint8))
    expected = (128 / 255 - torch.tensor(config["mean"])) / torch.tensor(config["std"])
    assert given[0].shape == (1, *config["input_size"])
    torch.testing.assert_close(given[0], expected.view(1, 3, 1, 1).expand_as(given[0]))

    (tmp_path / "saved").mkdir()
    model.save(tmp_path / "saved")
    again = ImageClassifier.load(tmp_path / "saved").score(photos)
    np.testing.assert_allclose(again.probs, found.probs, atol=1e-4)


@pytest.mark.parametrize("row", TEXTS)
def test_a_text_preset_is_fitted_saved_and_loaded(
    row: str, repos: Path, table: pd.DataFrame, tmp_path: Path
) -> None:
    settings = short(TEXTS[row])
    _, _, pooling, prompts = TINY_TEXTS[settings.network]
    known = [*table["title"], *table["text"], settings.prefix]
    write_text_repo(repos, settings.network, known)
    weights = tmp_path / "weights" / row
    fetch_weights("text", settings, weights)
    about = read_json(weights / "source.json")
    if pooling:
        assert settings.pooling == about["pooling"] == pooling.partition("_")[0]
    if prompts:
        assert settings.prefix in about["prefixes"] == sorted(prompts)

    tokenize(table, weights, tmp_path / "tokens" / row)
    encoder: Any = text_encoder(table, row, settings, TRAINER, 1, tmp_path)
    before = encoder.data.start(["a"]).network.encoder.state_dict()
    model, found = fitted(encoder)
    network = getattr(model, "network", model)
    network = getattr(network, "network", network)
    after = network.cpu().encoder.state_dict()
    # LoRA has been merged.
    assert list(after) == list(before)
    frozen = isinstance(settings, KernelSettings)
    assert frozen == all(torch.equal(before[name], after[name]) for name in before)

    (tmp_path / "saved").mkdir()
    model.save(tmp_path / "saved")
    again = load_text_model(tmp_path / "saved").score(table)
    np.testing.assert_allclose(again.probs, found.probs, atol=1e-4)


def test_every_small_network_stands_for_one_of_a_preset() -> None:
    assert {settings.network for settings in IMAGES.values()} == set(TINY_IMAGES)
    assert {settings.network for settings in TEXTS.values()} == set(TINY_TEXTS)


def test_the_table_in_the_documentation_names_every_preset_and_how_it_is_tuned() -> None:
    text = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
    told: dict[str, tuple[str, str]] = {}
    for line in text.splitlines():
        if line.startswith("| `"):
            rows, network, _, _, _, tuned, _ = (cell.strip() for cell in line.split("|")[1:-1])
            last = told[[*told][-1]][0] if network == "the same" else network
            told |= {row.strip("`"): (last, tuned) for row in rows.split(", ")}
    presets: dict[str, Any] = {**IMAGES, **TEXTS}
    assert set(told) == set(presets)
    for row, settings in presets.items():
        network, tuned = told[row]
        assert f"`{settings.network}`" in network
        full = "LoRA" if getattr(settings, "lora", 0) else "full"
        assert tuned.startswith("frozen, kernel" if settings.tune == "kernel" else full)

"""Entries whose settings depend on where the weights come from."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
from dvc.utils.hydra import apply_overrides
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from src.core.params import all_params, parse_params, stage_params
from src.core.schema import KernelImage, TrainedImage, TrainedText
from src.core.schema.sources import SOURCES, Chosen
from tests.core.test_params import CONTENT, ROOT
from tests.made import params_content

ENTRIES = [
    (section, row) for section in ("image_models", "text_models") for row in CONTENT[section]
]


@pytest.mark.parametrize(("section", "row"), ENTRIES)
@pytest.mark.parametrize("weights", SOURCES)
def test_an_entry_is_its_common_keys_and_those_of_the_source_on_top(
    section: str, row: str, weights: str
) -> None:
    entry = CONTENT[section][row]
    content = Chosen(CONTENT, weights).content[section][row]
    if entry.get(weights):
        expected = {key: value for key, value in entry.items() if key not in SOURCES}
        assert content == expected | entry[weights]


def test_the_shipped_offline_settings_are_those_of_the_demo() -> None:
    models = all_params().image_models
    assert (models["resnet50"].pixels, models["resnet50"].network) == (48, "resnet50")
    assert models["efficientnet_aug"].tune == "head"


def test_the_hub_settings_are_taken_with_weights_from_the_hub() -> None:
    params = parse_params(params_content({"weights": "hub"}))
    resnet = params.image_models["resnet50"]
    assert isinstance(resnet, TrainedImage)
    assert (resnet.pixels, resnet.epochs, resnet.network) == (224, 15, "resnet50.a1_in1k")
    tiny = params.text_models["rubert_tiny2"]
    assert isinstance(tiny, TrainedText)
    assert (tiny.lr, tiny.pooling, tiny.schedule, tiny.folds) == (0.0001, "cls", "linear", 0)


def test_another_way_to_tune_needs_no_keys_of_the_common_one() -> None:
    """The keys that only the other source's kind has are left out; unknown ones are not."""
    hub = CONTENT["image_models"]["resnet50"]["hub"]
    kernel = {
        **{key: hub[key] for key in ("network", "weights", "pixels")},
        **{"tune": "kernel", "gamma": 2.0, "penalty": 0.1, "augment": "none"},
    }
    content = params_content({"weights": "hub", "image_models.resnet50.hub": kernel})
    frozen = parse_params(content).image_models["resnet50"]
    assert isinstance(frozen, KernelImage)
    assert (frozen.pixels, frozen.gamma, frozen.batch) == (224, 2.0, 32)
    content["weights"] = "offline"
    assert isinstance(parse_params(content).image_models["resnet50"], TrainedImage)


def test_no_source_repeats_what_its_entry_says() -> None:
    for section, row in ENTRIES:
        entry = CONTENT[section][row]
        for source in SOURCES:
            repeated = {k: v for k, v in entry.get(source, {}).items() if entry.get(k) == v}
            assert not repeated, f"{section}.{row}.{source}"


@given(st.sampled_from(ENTRIES), st.sampled_from(SOURCES), st.data())
def test_every_path_leads_back_to_the_value_in_the_file(
    entry: tuple[str, str], weights: str, data: st.DataObject
) -> None:
    chosen = Chosen(CONTENT, weights)
    section, row = entry
    settings = chosen.content[section][row]
    key = data.draw(st.sampled_from(sorted(settings)))
    value: Any = CONTENT
    for step in chosen.written(f"{section}.{row}.{key}").split("."):
        value = value[step]
    assert value == settings[key]


def test_an_experiment_changes_a_key_of_one_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copyfile(ROOT / "params.yaml", "params.yaml")
    before = all_params().text_models["rubert_tiny2"]
    # The second is new, so it is written with a plus.
    changes = ["text_models.rubert_tiny2.hub.lr=0.0003", "+text_models.rubert_tiny2.hub.batch=16"]
    apply_overrides(Path("params.yaml"), changes)
    assert all_params().text_models["rubert_tiny2"] == before
    apply_overrides(Path("params.yaml"), ["weights=hub"])
    after = all_params().text_models["rubert_tiny2"]
    assert isinstance(after, TrainedText)
    assert (after.lr, after.batch) == (0.0003, 16)


def test_the_commands_of_the_recipes_are_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (ROOT / "docs/recipes.md").read_text(encoding="utf-8").replace("\\\n", "")
    commands = re.findall(r"(?m)^dvc exp run (.*)$", text)
    assert len(commands) == 2
    monkeypatch.chdir(tmp_path)
    for command in commands:
        shutil.copyfile(ROOT / "params.yaml", "params.yaml")
        changes = [word for word in shlex.split(command, comments=True) if word != "-S"]
        apply_overrides(Path("params.yaml"), changes)
        params = all_params()
        assert params.weights == "hub"
        assert all(
            params.image_models[row].pixels <= params.pack.pixels for row in params.rows.image
        )


def test_every_stage_that_reads_an_entry_knows_its_source() -> None:
    stages = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]
    reading = 0
    for stage in stages.values():
        params = stage.get("do", stage).get("params", [])
        if any(path.startswith(("image_models", "text_models")) for path in params):
            reading += 1
            assert "weights" in params
    assert reading == 4


def test_the_stage_of_weights_sees_what_the_source_says_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    entry = stage_params("weights_text@rubert_tiny2").text_models["rubert_tiny2"]
    assert entry.network == "cointegrated/rubert-tiny2"
    with pytest.raises(AttributeError):
        _ = entry.max_tokens
    # An image network is converted for the size and the layers that training reads.
    assert stage_params("weights_image@resnet50").image_models["resnet50"].pixels == 48

"""What a params.yaml may contain, and the one line that says what is wrong with it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from hashlib import algorithms_available
from pathlib import Path
from typing import Any

import pytest
from dvc.annotations import ANNOTATION_FIELDS
from dvc.output import Output
from dvc.stage.params import StageParams
from dvc_data.hashfile.meta import Meta
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from ruamel.yaml import YAML
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier

from src.core.errors import UserError
from src.core.params import all_params, parse_params, stage_params
from src.core.schema import Params
from src.core.schema.fusion import SETTINGS
from src.core.schema.sources import Chosen
from src.fusion.conditional_logit import ConditionalLogit
from tests.made import params_content

ROOT = Path(__file__).parents[2]
CONTENT: dict[str, Any] = YAML(typ="safe").load(ROOT / "params.yaml")


def changed(path: str, value: Any) -> dict[str, Any]:
    """Return the content of params.yaml with one value replaced."""
    content = copy.deepcopy(CONTENT)
    *sections, last = path.split(".")
    inner = content
    for section in sections:
        inner = inner[section]
    inner[last] = value
    return content


def fault(content: Any) -> str:
    """Return the message that refuses this content."""
    with pytest.raises(UserError) as refused:
        parse_params(content)
    message = str(refused.value)
    assert "\n" not in message
    assert message.startswith("params.yaml: ")
    return message.removeprefix("params.yaml: ")


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        # Types.
        ("rows.text", "tfidf", "rows.text is 'tfidf'; expected a list"),
        ("prepare.min_per_category", "abc",
         "prepare.min_per_category is 'abc'; expected a whole number from 1 to 1000000"),
        ("seed", 1.5, "seed is 1.5; expected a whole number from 0 to 4294967295"),
        ("seed", True, "seed is true; expected a whole number from 0 to 4294967295"),
        ("collect.avito.fetch", "no", "collect.avito.fetch is 'no'; expected true or false"),
        ("text_models.tfidf.C", "x",
         "text_models.tfidf.C is 'x'; expected a number from 0.000001 to 1000000"),
        ("model", None,
         "model is null; expected a name of letters, digits, - and _, 64 characters at most"),
        ("collect.crawl", 3,
         "collect.crawl is 3; expected a section with page_delay_s, photo_delay_s, jitter, "
         "at_once, timeout_s, attempts, longest_pause_s, give_up_after, redirects, "
         "photo_max_bytes"),
        ("image_models.cnn", 5, "image_models.cnn is 5; expected a section of keys and values"),
        ("fusion.nn.settings", 5,
         "fusion.nn.settings is 5; expected a section of keys and values"),
        ("image_models.cnn.offline.revision", 7,
         "image_models.cnn.offline.revision is 7; expected text, or null"),
        ("image_models.cnn.offline", 5, "image_models.cnn.offline is 5; expected a section with "
         "network, weights and what else differs from the rest of the entry"),
        # Ranges.
        ("seed", -1, "seed is -1; expected a whole number from 0 to 4294967295"),
        ("leaky.share", 2, "leaky.share is 2; expected a number above 0 and below 1"),
        ("image_models.cnn.lr", 0,
         "image_models.cnn.lr is 0; expected a number above 0 and up to 10"),
        ("image_models.cnn.batch", 1,
         "image_models.cnn.batch is 1; expected a whole number from 2 to 65536"),
        ("image_models.cnn.gradient_clip", -1,
         "image_models.cnn.gradient_clip is -1; expected a number from 0 to 1000000"),
        ("text_models.rubert_tiny2.label_smoothing", 1,
         "text_models.rubert_tiny2.label_smoothing is 1; expected a number of at least 0 and "
         "below 1"),
        ("image_models.resnet50.layer_decay", 0,
         "image_models.resnet50.layer_decay is 0; expected a number above 0 and up to 1"),
        ("image_models.efficientnet.layer_decay", 0.5,
         "image_models.efficientnet.layer_decay is unknown; expected one of pixels, augment, "
         "views, batch, tune, gamma, penalty, imbalance, mirrored, blocks, offline, hub"),
        ("text_models.minilm_words.words", 1,
         "text_models.minilm_words.words is 1; expected a number of at least 0 and below 1"),
        ("text_models.rubert_tiny2.max_tokens", 3,
         "text_models.rubert_tiny2.max_tokens is 3; expected a whole number from 4 to 1000000"),
        ("collect.crawl.jitter", float("nan"),
         "collect.crawl.jitter is nan; expected a number from 0 to 10"),
        ("collect.crawl.timeout_s", 0,
         "collect.crawl.timeout_s is 0; expected a number above 0 and up to 3600"),
        ("trainer.devices", 0,
         "trainer.devices is 0; expected a whole number from 1 to 1024, or auto"),
        ("trainer.devices", "two",
         "trainer.devices is 'two'; expected a whole number from 1 to 1024, or auto"),
        ("trainer.nodes", "auto",
         "trainer.nodes is 'auto'; expected a whole number from 1 to 1024"),
        ("image_models.cnn.folds", 1,
         "image_models.cnn.folds is 1; expected 0 (none) or at least 2"),
        ("prepare.folds", 2, "prepare.folds is 2; expected a whole number from 3 to 100"),
        ("collect.table.columns.category", "",
         "collect.table.columns.category is ''; expected text that is not empty"),
        # Allowed values.
        ("weights", "online", "weights is 'online'; expected offline or hub"),
        ("collect.source", "ebay", "collect.source is 'ebay'; expected demo, table or avito"),
        ("prepare.split", "holdout", "prepare.split is 'holdout'; expected random, time or folds"),
        ("trainer.precision", "auto",
         "trainer.precision is 'auto'; expected 32-true, bf16-mixed or 16-mixed"),
        ("image_models.cnn.tune", "whole",
         "image_models.cnn.tune is 'whole'; expected full, head or kernel"),
        ("text_models.rubert_tiny2.tune", ["full"],
         "text_models.rubert_tiny2.tune is ['full']; expected full, head or kernel"),
        ("image_models.efficientnet.imbalance", "sampler",
         "image_models.efficientnet.imbalance is 'sampler'; expected weights or none"),
        ("text_models.tfidf.imbalance", "sampler",
         "text_models.tfidf.imbalance is 'sampler'; expected weights or none"),
        ("image_models.cnn.hub.weights", "package2",
         "image_models.cnn.hub.weights is 'package2'; expected random, package, hub or none"),
        ("fusion.knn.head", "vote",
         "fusion.knn.head is 'vote'; expected nn, logreg, knn, random_forest, stack or gbdt"),
        ("collect.avito.since", "29.02.2024",
         "collect.avito.since is '29.02.2024'; expected a date such as 2026-01-31, or ''"),
        ("repeats", 0, "repeats is 0; expected a whole number from 1 to 100"),
        ("bundle.refit", 1, "bundle.refit is 1; expected true or false"),
        # Keys.
        ("zebra", 1, "zebra is unknown; expected one of model, text_model, fused_model, weights, "
         "seed, repeats, portable, rows, collect, pack, prepare, image_models, text_models, "
         "joined, fusion, leaky, trainer, bundle, tracking"),
        ("prepare.min_per_categories", 8,
         "prepare.min_per_categories is unknown; did you mean min_per_category?"),
        ("collect.demo.habits", {}, "collect.demo.habits is unknown; it is called faults now"),
        ("pack.size", 64, "pack.size is unknown; it is called pixels now"),
        ("image_models.cnn.size", 64, "image_models.cnn.size is unknown; it is called pixels now"),
        ("collect.table.columns.part", "part",
         "collect.table.columns.part is unknown; it is called split now"),
        ("trainer.size", 64, "trainer.size is unknown; expected one of accelerator, precision, "
         "features, workers, devices, nodes, engine"),
        ("fusion.nn.settings.alpah", 1,
         "fusion.nn.settings.alpah is unknown; did you mean alpha?"),
        ("fusion.stack.settings.zeal", 1,
         "fusion.stack.settings.zeal is unknown; expected one of class_weight, penalty"),
        ("fusion.stack.grid.zeal", [1],
         "fusion.stack.grid.zeal is unknown; expected one of class_weight, penalty"),
        ("leaky.settings", {}, "leaky.settings is unknown; expected one of share"),
        ("image_models.resnet50.ofline", {}, "image_models.resnet50.ofline is unknown; did you "
         "mean offline?"),
        ("image_models.resnet50.hub.pixls", 224,
         "image_models.resnet50.hub.pixls is unknown; did you mean pixels?"),
        ("image_models.resnet50.hub.zeal", 1, "image_models.resnet50.hub.zeal is unknown; expected "
         "one of pixels, augment, views, network, weights, revision, folds, batch, epochs, "
         "patience, lr, weight_decay, dropout, imbalance, gradient_clip, label_smoothing, "
         "layer_decay, schedule, warmup, freeze_epochs, tune"),
        # Rows and choices.
        ("model", "vgg", "model is 'vgg'; expected one of cnn, efficientnet, efficientnet_aug, "
         "resnet50: choose one of these, or add it to rows.image"),
        ("text_model", "minilm", "text_model is 'minilm'; expected one of tfidf, rubert_tiny2, "
         "use: choose one of these, or add it to rows.text"),
        ("rows.text", [], "rows.text is [], but fused rows read an image and a text model; "
         "expected rows.text: [], text_model: '', rows.fused: [] and fused_model: ''"),
        ("rows.fused", [],
         "rows.fused is []; expected at least one row, which makes predictions"),
        ("rows.image", ["cnn/x"], "rows.image.0 is 'cnn/x'; expected a name of letters, digits, - "
         "and _, 64 characters at most"),
        ("rows.text", ["tfidf", "cnn"], "rows.text names 'cnn'; expected entries of text_models, "
         "which has tfidf, rubert_tiny2, rubert, minilm, minilm_words, use, e5_small, "
         "e5_small_tuned, e5_base, user_base, user_bge_m3, bge_m3, frida, user_bge_m3_lora: "
         "add it there, or take it out"),
        ("rows.fused", ["stack", "stack"],
         "rows: stack is there twice; expected a name of its own for every row"),
        ("image_models.cnn.offline", None, "image_models.cnn has no `offline` entry, which "
         "`weights: offline` reads; expected one with `network` and `weights`"),
        # What only one source of weights has.
        ("text_models.rubert_tiny2.hub.lr", 11,
         "text_models.rubert_tiny2.hub.lr is 11; expected a number above 0 and up to 10"),
        ("text_models.rubert_tiny2.hub.tune", "whole",
         "text_models.rubert_tiny2.hub.tune is 'whole'; expected full, head or kernel"),
        ("text_models.rubert_tiny2.hub.gamma", 2.0, "text_models.rubert_tiny2.hub.gamma is "
         "unknown; expected one of max_tokens, prefix, separator, title_apart, pooling, network, "
         "weights, revision, folds, batch, epochs, patience, lr, weight_decay, dropout, imbalance, "
         "gradient_clip, label_smoothing, layer_decay, schedule, warmup, freeze_epochs, tune, "
         "lora"),
        ("text_models.rubert_tiny2.hub.tune", "kernel",
         "text_models.rubert_tiny2.hub.epochs is unknown; expected one of max_tokens, prefix, "
         "separator, title_apart, pooling, network, weights, revision, batch, tune, gamma, "
         "penalty, imbalance, words (and 7 more)"),
        ("image_models.resnet50.hub.freeze_epochs", 15, "image_models.resnet50.hub.freeze_epochs "
         "is 15; expected fewer than epochs, which is 15"),
        ("image_models.efficientnet_aug.freeze_epochs", 1, "image_models.efficientnet_aug."
         "freeze_epochs is 1; expected 0 with `tune: head`"),
        ("text_models.user_bge_m3_lora.tune", "head",
         "text_models.user_bge_m3_lora.lora is 16; expected 0 with `tune: head`"),
        # Keys that must agree.
        ("image_models.cnn.offline.network", "", "image_models.cnn.offline.network is '' and "
         "weights is random; expected a network with random, package or hub, or '' with none"),
        ("image_models.cnn.offline", {"network": "", "weights": "none"},
         "image_models.cnn.offline.network is ''; expected the name of a network"),
        ("text_models.tfidf.hub", {"network": "a/b", "weights": "hub"},
         "text_models.tfidf.hub.network is 'a/b'; expected '': TF-IDF uses no network (an "
         "entry for a network has `tune`)"),
        ("fusion.nn.settings.hidden_layer_sizes", [10**12],
         "fusion.nn.settings.hidden_layer_sizes is [1000000000000]; expected at most 10,000,000"),
        ("tracking.experiment", "a\nb",
         "tracking.experiment is 'a\\nb'; expected a name that can be read, without line breaks"),
        ("prepare.parts.train", 0.9, "prepare.parts: train 0.9 + val 0.2 + test 0.2 is 1.3; "
         "expected shares that add up to 1"),
        ("collect.demo.no_photo", 0.99, "collect.demo: no_photo + dull_photo + broken_photo is "
         "1.12; expected at most 1: lower one of them"),
        ("collect.demo.dull_text", 0.99, "collect.demo: dull_text + no_text is 1.01; expected at "
         "most 1: lower one of them"),
        ("collect.demo.faults.cut", 0.99, "collect.demo.faults: busy + reset + stall + cut + "
         "misencoded + blocked + captcha + repeated is 1.045; expected at most 1: "
         "lower one of them"),
        ("image_models.efficientnet_aug.views", 0, "image_models.efficientnet_aug.views is 0; "
         "expected at least 1 with `tune: head` and augmentation"),
        ("fusion.stack.inputs", "both", "fusion.stack.inputs is 'both'; the head stack weighs "
         "probabilities alone: expected probs, or another head"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused_with_its_path_and_what_is_expected(
    path: str, value: Any, message: str
) -> None:
    assert fault(changed(path, value)) == message


def test_a_row_named_in_two_kinds_is_refused() -> None:
    content = changed("rows.fused", ["cnn"])
    content["fusion"]["cnn"] = content["fusion"]["stack"]
    content["fused_model"] = "cnn"
    assert fault(content) == "rows: cnn is there twice; expected a name of its own for every row"


@pytest.mark.parametrize("name", ["leaky", "logreg_leaky"])
def test_no_honest_row_has_the_name_of_the_leaky_one(name: str) -> None:
    content = changed("rows.fused", ["stack", name])
    content["fusion"][name] = content["fusion"]["stack"]
    expected = "the name of the row that leaks on purpose; expected another name"
    assert fault(content) == f"rows: {name} is {expected}"


def test_a_row_whose_name_cannot_name_a_folder_is_refused() -> None:
    content = changed("image_models.bad name", CONTENT["image_models"]["cnn"])
    expected = "letters, digits, - and _, 64 characters at most"
    assert fault(content) == f"image_models.bad name is not a valid name; expected {expected}"
    content["image_models"]["bad.name"] = {"tune": "full", "hub": {"network": 3}}
    assert fault(content).startswith("image_models.bad")


@pytest.mark.parametrize("content", [None, [], "x", 3])
def test_a_file_without_sections_is_refused(content: Any) -> None:
    assert "; expected a section with model, text_model" in fault(content)


def test_several_faults_are_counted_and_one_is_told() -> None:
    content = changed("seed", -1)
    content["weights"] = "online"
    content["pack"]["pixles"] = content["pack"].pop("pixels")
    assert fault(content) == "pack.pixles is unknown; did you mean pixels? (and 2 more)"


def _paths(node: Any, prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield (*prefix, key)
            yield from _paths(value, (*prefix, key))


# All keys but the names of rows, which are the user's to choose.
KEYS = [
    path
    for path in _paths(CONTENT)
    if not (len(path) == 2 and path[0] in ("image_models", "text_models", "fusion"))
]


@settings(deadline=None)
@given(st.sampled_from(KEYS), st.data())
def test_any_misspelled_key_is_refused_by_its_path(
    path: tuple[str, ...], data: st.DataObject
) -> None:
    key = path[-1]
    place = data.draw(st.integers(0, len(key) - 1))
    wrong = data.draw(
        st.sampled_from(
            [
                key[:place] + key[place + 1 :],
                key[: place + 1] + key[place:],
                key[:place] + "xq"[key[place] == "x"] + key[place + 1 :],
                key.swapcase(),
            ]
        )
    )
    content = copy.deepcopy(CONTENT)
    section = content
    for step in path[:-1]:
        section = section[step]
    known = set(section) | set(SETTINGS["nn"]) | set(SETTINGS["logreg"]) | {"words", "revision"}
    if wrong in known:
        return
    # In place, so that the order of the keys stays.
    items = [(wrong if name == key else name, value) for name, value in section.items()]
    section.clear()
    section.update(items)
    assert fault(content).startswith(".".join([*path[:-1], wrong]) + " is unknown; ")


WITH_DEFAULT = (
    *("words", "prefix", "separator", "title_apart", "pooling", "grid", "lora"),
    *("mirrored", "blocks", "meta_features"),
    *("freeze_epochs", "gradient_clip", "label_smoothing", "layer_decay", "schedule", "warmup"),
)


@pytest.mark.parametrize("path", [".".join(path) for path in KEYS])
def test_a_missing_key_is_named_or_optional(path: str) -> None:
    content = copy.deepcopy(CONTENT)
    *sections, last = path.split(".")
    inner = content
    for section in sections:
        inner = inner[section]
    del inner[last]
    row = sections[1] if sections[:1] in (["image_models"], ["text_models"]) else None
    unused = row and row not in [*CONTENT["rows"]["image"], *CONTENT["rows"]["text"]]
    entry = CONTENT[sections[0]][row] if row else {}
    alone = len({"offline", "hub"} & set(entry)) == 1
    other = not alone and len(sections) == 2 and (last == "hub" or (last == "offline" and unused))
    # What one source says otherwise than the entry, the entry says.
    overridden = len(sections) == 3 and row and last in entry
    if overridden and last == "tune":
        # Then it is a head that learns.
        assert fault(content).startswith(f"{'.'.join(sections)}.freeze_epochs is 1; expected 0")
    elif last in WITH_DEFAULT or {"settings", "grid"} & set(sections) or other or overridden:
        parse_params(content)
    elif alone and last in ("offline", "hub"):
        assert fault(content).startswith(f"{'.'.join(sections)}.offline.network is missing")
    elif row and last == "offline":
        assert fault(content).startswith(f"{'.'.join(sections)} has no `offline` entry")
    else:
        assert fault(content) == f"{path} is missing; add it"


def test_typed_parameters_hold_what_the_file_says() -> None:
    typed = parse_params(CONTENT).model_dump(exclude_unset=True)
    assert typed == Chosen(CONTENT, CONTENT["weights"]).content


def test_typed_parameters_cannot_be_changed() -> None:
    params = parse_params(CONTENT)
    with pytest.raises(ValidationError, match="frozen"):
        params.seed = 8  # type: ignore[misc]


def test_the_entry_that_the_leaky_row_repeats_is_required() -> None:
    content = params_content({})
    del content["fusion"]["logreg"]
    content["rows"]["fused"].remove("logreg")
    with pytest.raises(UserError, match=r"fusion has no entry logreg, .*; expected one") as error:
        parse_params(content)
    assert "\n" not in str(error.value)


def test_the_settings_of_a_head_are_those_of_its_classifier() -> None:
    # Without those that src.fusion.heads sets itself, and those that name columns.
    classifiers = {
        "nn": (MLPClassifier(), {"random_state"}),
        "logreg": (LogisticRegression(), set()),
        "knn": (KNeighborsClassifier(), set()),
        "random_forest": (RandomForestClassifier(), {"random_state", "n_jobs"}),
        "stack": (ConditionalLogit(3, 1.0), {"num_classes"}),
        "gbdt": (
            HistGradientBoostingClassifier(),
            {
                "random_state",
                "early_stopping",
                "n_iter_no_change",
                "scoring",
                "tol",
                "validation_fraction",
                "categorical_features",
                "interaction_cst",
                "monotonic_cst",
            },
        ),
    }
    for head, (classifier, set_by_the_code) in classifiers.items():
        own = {"class_weight"} if head == "nn" else set()
        assert set(SETTINGS[head]) == set(classifier.get_params()) - set_by_the_code | own
    assert list(classifiers) == list(SETTINGS)


def test_no_key_is_one_that_dvc_leaves_out_of_its_cache_key() -> None:
    """DVC takes such keys for facts about files, at any depth: a change of theirs runs nothing."""
    dropped = {value for name, value in vars(Meta).items() if name.startswith("PARAM_")}
    dropped |= {Output.PARAM_CACHE, Output.PARAM_PERSIST, Output.PARAM_HASH}
    dropped |= {v for name, v in vars(StageParams).items() if name.startswith("PARAM_")}
    dropped |= {*ANNOTATION_FIELDS, *algorithms_available}
    assert {"size", "nfiles", "md5", "hash", "isexec", "cache", "remote", "frozen"} <= dropped
    definitions = Params.model_json_schema()["$defs"].values()
    keys = {key for section in definitions for key in section.get("properties", {})}
    keys |= {key for path in _paths(CONTENT) for key in path}
    keys |= {name for names in SETTINGS.values() for name in names}
    assert not keys & dropped


def test_dvc_notices_a_change_of_any_value(tmp_path: Path) -> None:
    from dvc.utils import dict_sha256

    left_out = [Meta.PARAM_SIZE, Meta.PARAM_NFILES]
    before = dict_sha256({"params": CONTENT}, exclude=left_out)
    for path in _paths(CONTENT):
        other = changed(".".join(path), "another value")
        assert dict_sha256({"params": other}, exclude=left_out) != before, path


def test_what_is_not_yaml_is_refused_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text("model: cnn\nseed: [1\nweights: x\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"^params\.yaml, line \d: .*; expected YAML$"):
        all_params()
    Path("params.yaml").write_text("seed: 1\nseed: 2\n", encoding="utf-8")
    with pytest.raises(
        UserError, match=r'^params\.yaml, line 2: found duplicate key "seed".*YAML$'
    ):
        all_params()


def test_a_folder_without_params_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=rf"^params\.yaml is not in {tmp_path}; run this in the"):
        all_params()


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        ("fuse@stak", "fuse has no row 'stak'; expected one of nn, logreg, knn"),
        ("tokenize@cnn", "tokenize has no row 'cnn'; expected one of tfidf, rubert_tiny2, use"),
        ("weights_photo@cnn", "dvc.yaml has no stage weights_photo; expected one of check, coll"),
    ],
)
def test_a_stage_or_row_that_is_not_there_is_refused(
    stage: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    with pytest.raises(UserError) as error:
        stage_params(stage)
    assert str(error.value).startswith(message)


def test_a_stage_cannot_read_what_it_does_not_declare(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    params = stage_params("fuse@stack")
    assert params.fusion["stack"].head == "stack"
    with pytest.raises(KeyError):
        params.fusion["nn"]
    with pytest.raises(AttributeError):
        _ = params.rows

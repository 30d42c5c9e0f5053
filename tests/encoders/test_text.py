"""Tokens, their joining, and text networks."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from tokenizers import Tokenizer
from tokenizers.models import Unigram
from tokenizers.pre_tokenizers import Metaspace

from src.artifacts.outputs import RowOutput
from src.core.errors import UserError
from src.core.files import read_json, write_json
from src.core.listings import labels_of
from src.core.schema import KernelText, TrainedText
from src.encoders.common.encoder import FitPlan
from src.encoders.common.folds import train
from src.encoders.common.kernel_probe import KernelProbe
from src.encoders.text.classifier import as_tensors
from src.encoders.text.data import TextData
from src.encoders.text.model import load_text_model
from src.encoders.text.padding import join, known_texts, pad
from src.encoders.text.tokens import (
    encode,
    meaningless_tokens,
    round_folder,
    tokenize,
    train_word_pieces,
)
from src.encoders.text.train import text_encoder, train_text
from src.encoders.text.words_and_network import WordsAndNetwork
from tests.encoders.conftest import TRAINER, kernel_text, trained_text
from tests.made import CLASSES

ROOT = Path(__file__).parents[2]
SPECIAL = {"cls": 101, "sep": 102, "pad": 0}


@given(
    title=st.lists(st.integers(200, 300), max_size=30),
    body=st.lists(st.integers(400, 500), max_size=30),
    budget=st.integers(4, 40),
)
def test_joined_tokens_keep_to_the_budget_and_the_title_before_the_body(
    title: list[int], body: list[int], budget: int
) -> None:
    joined = join(np.array(title, np.int64), np.array(body, np.int64), budget, SPECIAL).tolist()
    kept_title = title[: budget - 3]
    kept_body = body[: budget - 3 - len(kept_title)]
    assert len(joined) == min(budget, len(title) + len(body) + 3)
    assert joined == [101, *kept_title, 102, *kept_body, 102]


def test_a_bag_of_words_gets_words(table: pd.DataFrame, tmp_path: Path) -> None:
    write_json(tmp_path / "w" / "source.json", {"network": "", "weights": "none"})
    tokenize(table, tmp_path / "w", tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["tokens.parquet"]
    words = pd.read_parquet(tmp_path / "out" / "tokens.parquet")
    assert words["id"].tolist() == table["id"].tolist()
    assert words["title"][0].tolist() == ["книги"]
    assert words["body"][0].tolist() == ["продаю", "книги", "номер", "0"]


def test_a_network_gets_unpadded_numbers_of_a_tokenizer_that_is_kept(
    table: pd.DataFrame, tokens: Path
) -> None:
    from tokenizers import Tokenizer

    special = read_json(tokens / "special.json")
    tokenizer = Tokenizer.from_file(str(tokens / "tokenizer.json"))
    lists = pd.read_parquet(tokens / "tokens.parquet")
    assert special["vocab_size"] == tokenizer.get_vocab_size()
    for name in ("title", "body"):
        numbers = np.concatenate(lists[name].tolist())
        assert numbers.max() < special["vocab_size"]
        assert not set(numbers) & {special["pad"], special["cls"], special["sep"]}
    assert tokenizer.decode(lists["body"][0].tolist()) == table["text"][0]


def test_pieces_are_learned_from_all_but_the_test_split(
    table: pd.DataFrame, bert_weights: Path, tmp_path: Path
) -> None:
    from tokenizers import Tokenizer

    extra = np.where(table["split"] == "test", " шифоньер", " комод")
    tokenize(table.assign(text=table["text"] + extra), bert_weights, tmp_path / "out")
    words = Tokenizer.from_file(str(tmp_path / "out" / "tokenizer.json")).get_vocab()
    assert "комод" in words
    assert "шифоньер" not in words
    # A letter that only the test split has is not known either.
    assert "ш" not in words and "##ш" not in words


def test_pieces_keep_short_i_apart_from_i() -> None:
    tokenizer = train_word_pieces(["Чайник чайник чаиник"] * 3)
    assert tokenizer.encode("ЧАЙНИК").tokens[1:-1] == ["чайник"]


def test_equal_texts_give_an_equal_tokenizer_in_every_process() -> None:
    code = (
        "from src.encoders.text.tokens import train_word_pieces\n"
        "words = [a + b + c for a in 'абвгд' for b in 'еёжзи' for c in 'йклмн']\n"
        "print(train_word_pieces([' '.join(words)] * 2).to_str())"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, check=True, cwd=ROOT
        ).stdout
        for _ in range(4)
    }
    assert len(found) == 1


def test_a_tokenizer_that_comes_with_weights_is_used_without_its_padding(
    table: pd.DataFrame, bert_weights: Path, tmp_path: Path
) -> None:
    tokenizer = train_word_pieces(["диван"] * 3)
    tokenizer.enable_padding(length=50)
    tokenizer.enable_truncation(4)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    write_json(tmp_path / "source.json", read_json(bert_weights / "source.json"))
    tokenize(table.assign(title="диван", text="диван " * 9), tmp_path, tmp_path / "out")
    lists = pd.read_parquet(tmp_path / "out" / "tokens.parquet")
    assert [len(numbers) for numbers in lists["title"]] == [1] * len(table)
    assert [len(numbers) for numbers in lists["body"]] == [9] * len(table)
    words = read_json(tmp_path / "out" / "tokenizer.json")["model"]["vocab"]
    assert words == tokenizer.get_vocab()


def test_only_listings_with_a_text_are_rows(
    table: pd.DataFrame, tokens: Path, bert_weights: Path
) -> None:
    some = table.copy()
    some.loc[[1, 2], "title"] = " "
    some.loc[[2, 3], "text"] = ""
    texts = TextData(some, tokens, bert_weights, trained_text())
    assert texts.rows.tolist() == [0, 1, *range(3, len(table))]


@pytest.fixture(scope="module")
def with_unknown(table: pd.DataFrame) -> pd.DataFrame:
    """The listings; those at 49 and 50, which no tokenizer is trained on, have unknown texts."""
    some = table.copy()
    columns = ["title", "text", "title_words", "text_words"]
    some.loc[49, columns] = ["👍", "☆☆☆ 👍", "", ""]
    some.loc[50, columns] = ["", "ξ", "", "ξ"]
    # A known word makes up for an unknown one.
    some.loc[51, columns] = ["👍", "книги", "", "книги"]
    return some


@pytest.mark.parametrize("settings", [trained_text(tune="head"), kernel_text(words=0.5)])
def test_a_text_of_unknown_tokens_is_no_text_in_training_and_prediction(
    settings: TrainedText | KernelText,
    with_unknown: pd.DataFrame,
    bert_weights: Path,
    tmp_path: Path,
) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "tiny").symlink_to(bert_weights)
    tokenize(with_unknown, bert_weights, tmp_path / "tokens" / "tiny")
    encoder = text_encoder(with_unknown, "tiny", settings, TRAINER, 7, tmp_path)
    rows = np.delete(np.arange(60), [49, 50])
    assert encoder.rows.tolist() == rows.tolist()
    trained = train(encoder, with_unknown, 0, seed=7, name="tiny")
    assert trained.output.ids.tolist() == with_unknown["id"][rows].tolist()
    (tmp_path / "saved").mkdir()
    trained.model.save(tmp_path / "saved")
    found = load_text_model(tmp_path / "saved").score(with_unknown)
    assert np.flatnonzero(found.known).tolist() == rows.tolist()
    np.testing.assert_allclose(found.probs[found.known], trained.output.probs, atol=1e-5)


def test_a_mere_space_before_an_unknown_piece_is_not_known() -> None:
    # What sentence-piece tokenizers make of an unknown sign.
    pieces = Unigram([("<unk>", 0.0), ("<s>", 0.0), ("</s>", 0.0), ("▁", -1.0), ("▁стол", -2.0)], 0)
    tokenizer = Tokenizer(pieces)
    tokenizer.pre_tokenizer = Metaspace()
    tokens = [np.array([1, *numbers, 2]) for numbers in encode(tokenizer, ["👍 ☆", "стол", ""])]
    assert tokenizer.encode("👍").tokens == ["▁", "👍"]
    assert known_texts(tokens, meaningless_tokens(tokenizer)).tolist() == [False, True, False]


def test_batches_are_padded_to_their_longest_text(
    table: pd.DataFrame, tokens: Path, bert_weights: Path
) -> None:
    texts = TextData(table, tokens, bert_weights, trained_text())
    texts.texts.tokens[0] = texts.texts.tokens[0][:4]
    texts.lengths[0] = 4
    batch = texts.batch(np.array([0, 1]))
    longest = int(texts.lengths[1])
    assert batch["attention_mask"].tolist() == [[1] * 4 + [0] * (longest - 4), [1] * longest]
    assert batch["input_ids"][0].tolist() == [*texts.texts.tokens[0], *[0] * (longest - 4)]
    assert batch["input_ids"][1].tolist() == texts.texts.tokens[1].tolist()


def test_features_of_a_text_do_not_depend_on_the_padding_of_its_batch(
    table: pd.DataFrame, tokens: Path, bert_weights: Path
) -> None:
    network = TextData(table, tokens, bert_weights, trained_text()).start(CLASSES).network.eval()
    ids = torch.tensor([[2, 9, 11, 3, 12, 3]])
    with torch.inference_mode():
        alone = network.features({"input_ids": ids, "attention_mask": torch.ones_like(ids)})
        for more in (1, 40):
            padded = {
                "input_ids": torch.nn.functional.pad(ids, (0, more)),
                "attention_mask": torch.nn.functional.pad(torch.ones_like(ids), (0, more)),
            }
            torch.testing.assert_close(network.features(padded), alone, rtol=0, atol=1e-5)
        unmasked = padded | {"attention_mask": torch.ones_like(padded["input_ids"])}
        assert not torch.allclose(network.features(unmasked), alone, atol=1e-3)


def test_stored_weights_are_where_the_network_starts(
    table: pd.DataFrame, tokens: Path, bert_weights: Path, tmp_path: Path
) -> None:
    encoder = TextData(table, tokens, bert_weights, trained_text()).start(CLASSES).network.encoder
    encoder.save_pretrained(tmp_path)
    write_json(tmp_path / "source.json", read_json(bert_weights / "source.json"))
    state = (
        TextData(table, tokens, tmp_path, trained_text())
        .start(CLASSES)
        .network.encoder.state_dict()
    )
    for name, tensor in encoder.state_dict().items():
        torch.testing.assert_close(state[name], tensor, rtol=0, atol=0)


@pytest.mark.parametrize("budget", [3, 65])
def test_a_budget_that_no_text_or_network_can_keep_is_refused_in_one_line(
    budget: int, table: pd.DataFrame, tokens: Path, bert_weights: Path
) -> None:
    if budget == 3:
        with pytest.raises(ValidationError, match="max_tokens"):
            trained_text(max_tokens=budget)
        return
    with pytest.raises(UserError, match=f"max_tokens is {budget}; ") as error:
        TextData(table, tokens, bert_weights, trained_text(max_tokens=budget)).start(CLASSES)
    assert "\n" not in str(error.value)


@given(st.lists(st.lists(st.integers(1, 500), min_size=1, max_size=20), min_size=1, max_size=8))
def test_padding_fills_up_to_the_longest_text_and_masks_it(texts: list[list[int]]) -> None:
    batch = pad([np.array(numbers, np.int64) for numbers in texts], filler=0)
    longest = max(map(len, texts))
    for name, filled in (("input_ids", texts), ("attention_mask", [[1] * len(t) for t in texts])):
        assert batch[name].dtype == np.int64
        assert batch[name].tolist() == [t + [0] * (longest - len(t)) for t in filled]


@pytest.mark.parametrize("kind", ["trained", "kernel", "words", "prefix"])
def test_a_saved_text_model_scores_the_same_texts_the_same(
    kind: str, table: pd.DataFrame, tokens: Path, bert_weights: Path, tmp_path: Path
) -> None:
    settings = {
        "trained": trained_text(epochs=1),
        "kernel": kernel_text(),
        "words": kernel_text(words=0.5),
        "prefix": kernel_text(words=0.5, prefix="книги ", separator=False, title_apart=True),
    }[kind]
    (tmp_path / "tokens").mkdir()
    (tmp_path / "weights").mkdir()
    (tmp_path / "tokens" / "tiny").symlink_to(tokens)
    (tmp_path / "weights" / "tiny").symlink_to(bert_weights)
    encoder = text_encoder(
        table, "tiny", settings, TRAINER, 7, tmp_path
    )  # fmt: skip
    model, _ = encoder.fit(np.arange(36), FitPlan(7, "row", np.arange(36, 48)))
    folder = tmp_path / "saved"
    folder.mkdir()
    model.save(folder)
    network = {"model.json", "model.safetensors", "config.json", "tokenizer.json"}
    words = {"model.npz"} if kind in ("words", "prefix") else set()
    assert {path.name for path in folder.iterdir()} == network | words
    loaded = load_text_model(folder)
    assert loaded.classes == list(CLASSES)
    expected = encoder.score(model, np.arange(60))
    found = loaded.score(table)
    np.testing.assert_allclose(found.features, expected.features, atol=1e-5)
    np.testing.assert_allclose(found.probs, expected.probs, atol=1e-5)


@pytest.mark.parametrize("words", [0.05, 0.95])
def test_the_larger_share_decides_where_words_and_text_disagree(
    words: float, table: pd.DataFrame, tokens: Path, bert_weights: Path
) -> None:
    # A test listing with the words of another category.
    table = table.copy()
    columns = ["title_words", "text_words"]
    table.loc[50, columns] = table.loc[51, columns]
    settings, labels = kernel_text(words=words), labels_of(table)[1]
    texts = TextData(table, tokens, bert_weights, settings)
    encoder = WordsAndNetwork(texts, table, labels, CLASSES, settings, TRAINER, 7, "words")
    model, _ = encoder.fit(np.arange(36), FitPlan(7, "row", np.arange(36, 48)))
    found = encoder.score(model, np.array([50])).probs.argmax()
    assert found == labels[50 if words < 0.5 else 51]


@pytest.mark.parametrize("titled", [True, False])
def test_words_have_their_share_of_the_kernel_with_titles_and_without(
    titled: bool,
    table: pd.DataFrame,
    tokens: Path,
    bert_weights: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not titled:
        table = table.assign(title_words="")
    kernels, fit_head = [], KernelProbe.fit_head

    def noting(self, model, train, landmarks, other, share):  # type: ignore[no-untyped-def]
        kernels.append(other)
        return fit_head(self, model, train, landmarks, other, share)

    monkeypatch.setattr(KernelProbe, "fit_head", noting)
    settings = kernel_text(words=0.3)
    texts = TextData(table, tokens, bert_weights, settings)
    labels = labels_of(table)[1]
    encoder = WordsAndNetwork(texts, table, labels, CLASSES, settings, TRAINER, 7, "words")
    encoder.fit(np.arange(36), FitPlan(7, "row"))
    # As of the network's kernel, that of a listing with itself is 1.
    np.testing.assert_allclose(np.diag(kernels[0]), 1, atol=1e-5)


def test_each_round_learns_its_pieces_from_no_text_that_it_tests(
    table: pd.DataFrame, bert_weights: Path, tmp_path: Path
) -> None:
    planted = ["шифоньер", "комод", "буфет"]
    folds = np.arange(len(table)) % 3
    texts = table["text"] + " " + np.array(planted)[folds]
    split = np.array(["test", "val", "train"])[folds]
    tokenize(table.assign(text=texts, fold=folds, split=split), bert_weights, tmp_path / "out")
    for cv_round, unseen in enumerate(planted):
        folder = round_folder(tmp_path / "out", cv_round)
        words = Tokenizer.from_file(str(folder / "tokenizer.json")).get_vocab()
        assert set(planted) - set(words) == {unseen}


def test_each_round_is_fitted_with_its_own_pieces(
    table: pd.DataFrame, bert_weights: Path, tmp_path: Path
) -> None:
    # A listing whose only sign is in no text of the other folds is one of no known text there.
    folds = np.arange(len(table)) // 3 % 3
    rounds = table.assign(fold=folds, split=np.array(["test", "val", "train"])[folds])
    for row, sign in ((0, "α"), (3, "β"), (6, "γ")):
        rounds.loc[row, ["title", "text"]] = sign
    tokenize(rounds, bert_weights, tmp_path / "tokens" / "tiny")
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "tiny").symlink_to(bert_weights)
    train_text(rounds, "tiny", trained_text(epochs=1), TRAINER, 7, tmp_path)
    for cv_round in range(3):
        ids = RowOutput.load(tmp_path / "embeddings" / "tiny", cv_round).full.ids
        assert set(rounds["id"]) - set(ids) == {rounds["id"][3 * cv_round]}
    # The model that is kept is the first round's.
    kept = Tokenizer.from_file(str(tmp_path / "checkpoints" / "tiny" / "tokenizer.json"))
    first = Tokenizer.from_file(str(tmp_path / "tokens" / "tiny" / "tokenizer.json"))
    assert kept.get_vocab() == first.get_vocab()


def test_weights_without_their_tokenizer_get_no_new_vocabulary(
    table: pd.DataFrame, bert_weights: Path, tmp_path: Path
) -> None:
    shutil.copytree(bert_weights, tmp_path / "weights")
    (tmp_path / "weights" / "model.safetensors").write_bytes(b"")
    with pytest.raises(UserError, match=r"without tokenizer\.json; .* choose another") as error:
        tokenize(table, tmp_path / "weights", tmp_path / "out")
    assert "\n" not in str(error.value)


def test_a_tokenizer_without_special_tokens_is_refused_in_one_line(
    table: pd.DataFrame, bert_weights: Path, tmp_path: Path
) -> None:
    shutil.copytree(bert_weights, tmp_path / "weights")
    Tokenizer(Unigram([("<unk>", 0.0)], 0)).save(str(tmp_path / "weights" / "tokenizer.json"))
    with pytest.raises(UserError, match=r"no token \[CLS\] or <s>; expected") as error:
        tokenize(table, tmp_path / "weights", tmp_path / "out")
    assert "\n" not in str(error.value)


@given(
    title=st.lists(st.integers(200, 300), max_size=30),
    body=st.lists(st.integers(400, 500), max_size=30),
    prefix=st.lists(st.integers(600, 700), max_size=5),
    budget=st.integers(8, 40),
)
def test_a_prefix_stays_and_without_a_separator_title_and_body_are_one_text(
    title: list[int], body: list[int], prefix: list[int], budget: int
) -> None:
    both = (np.array(title, np.int64), np.array(body, np.int64))
    joined = join(*both, budget, SPECIAL, prefix, separator=False).tolist()
    assert joined == [101, *prefix, *[*title, *body][: budget - 2 - len(prefix)], 102]


def test_a_prefix_that_leaves_no_token_is_refused_in_one_line() -> None:
    text = np.array([200])
    assert join(text, text, 5, SPECIAL, [600, 601], separator=False).tolist() == [
        *(101, 600, 601, 200, 102)
    ]
    with pytest.raises(UserError, match="max_tokens is 4, and the prefix alone has 2 tokens") as no:
        join(text, text, 4, SPECIAL, [600, 601], separator=False)
    assert "\n" not in str(no.value)


@pytest.mark.parametrize("settings", [trained_text(prefix="книги "), kernel_text(prefix="книги ")])
def test_a_prefix_makes_no_text_known(
    settings: TrainedText | KernelText,
    with_unknown: pd.DataFrame,
    tokens: Path,
    bert_weights: Path,
    tmp_path: Path,
) -> None:
    tokenize(with_unknown, bert_weights, tmp_path / "out")
    texts = TextData(with_unknown, tmp_path / "out", bert_weights, settings)
    assert texts.rows.tolist() == np.delete(np.arange(60), [49, 50]).tolist()
    (book,) = encode(texts.tokenizer, ["книги"])
    assert all(numbers[1] == book[0] for numbers in texts.texts.tokens)


@pytest.mark.parametrize(("pooling", "position"), [("cls", 0), ("last", -1)])
def test_pooling_takes_the_first_or_the_last_real_token(
    pooling: str, position: int, table: pd.DataFrame, tokens: Path, bert_weights: Path
) -> None:
    settings = trained_text(pooling=pooling)
    network = TextData(table, tokens, bert_weights, settings).start(CLASSES).network.eval()
    batch = as_tensors(pad([np.array([2, 9, 11, 3]), np.array([2, 12, 3])], 0))
    with torch.inference_mode():
        found = network.features(batch)
        for row, length in enumerate([4, 3]):
            alone = {name: tensor[row : row + 1, :length] for name, tensor in batch.items()}
            states = network.encoder(**alone).last_hidden_state[0]
            torch.testing.assert_close(found[row], states[position], rtol=0, atol=1e-5)


def test_features_of_the_title_follow_those_of_the_whole(
    table: pd.DataFrame, tokens: Path, bert_weights: Path
) -> None:
    settings = kernel_text(title_apart=True)
    texts = TextData(table, tokens, bert_weights, settings)
    network = texts.start(CLASSES).network.eval()
    with torch.inference_mode():
        found = network.features(texts.batch(np.array([0, 1])))
        titles = [texts.texts.titles[row] for row in (0, 1)]
        alone = network.features(as_tensors(pad(titles, texts.special["pad"])))
    torch.testing.assert_close(found[:, found.shape[1] // 2 :], alone, rtol=0, atol=1e-5)
    assert not torch.allclose(found[:, : found.shape[1] // 2], alone, atol=1e-3)
    # Title alone: [CLS] title [SEP]
    assert titles[0].tolist() == [2, *encode(texts.tokenizer, ["Книги"])[0], 3]

"""The Hub through its real loaders, against a local server that speaks its protocol."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from tokenizers import Tokenizer

import stages.weights_text
from src.core.errors import UserError
from src.core.files import read_json, write_json
from src.core.schema import WeightsSource
from src.core.timing import run_stage
from src.encoders.weights.fetch import fetch_weights
from tests.encoders.weights.hub_server import COMMIT, HubServer, serving, use_hub
from tests.made import params_content

ROOT = Path(__file__).resolve().parents[3]
IMAGE = WeightsSource(network="test_resnet.r160_in1k", weights="hub")
TEXT = WeightsSource(network="someone/tiny-bert", weights="hub")
BOTH = (("image", IMAGE), ("text", TEXT))


@pytest.fixture(scope="session")
def repos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One photo network and one text network with random weights, as the Hub would hold them."""
    import timm
    import torch
    from safetensors.torch import save_file
    from tokenizers.implementations import BertWordPieceTokenizer
    from transformers import BertConfig, BertForMaskedLM, PreTrainedTokenizerFast

    root = tmp_path_factory.mktemp("repos")
    torch.manual_seed(5)
    image = root / "timm" / "test_resnet.r160_in1k"
    image.mkdir(parents=True)
    save_file(timm.create_model("test_resnet").state_dict(), image / "model.safetensors")
    (image / "config.json").write_text('{"architecture": "test_resnet"}')
    text = root / "someone" / "tiny-bert"
    words = BertWordPieceTokenizer()
    texts = iter([iter(["продам стол и стул", "a table"])])
    words.train_from_iterator(texts, vocab_size=90, show_progress=False)
    config = BertConfig(
        vocab_size=words.get_vocab_size(),
        hidden_size=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=40,
        max_position_embeddings=64,
    )
    BertForMaskedLM(config).save_pretrained(text)
    specials = {"unk": "[UNK]", "sep": "[SEP]", "pad": "[PAD]", "cls": "[CLS]", "mask": "[MASK]"}
    PreTrainedTokenizerFast(
        tokenizer_object=words._tokenizer, **{f"{k}_token": v for k, v in specials.items()}
    ).save_pretrained(text)
    return root


@pytest.fixture
def hub(repos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """Point the loaders at a fresh server and an empty cache, with short time limits."""
    with serving(repos) as server:
        use_hub(monkeypatch, server.url, tmp_path / "cache")
        yield server


def _failure(kind: str, source: WeightsSource, out: Path) -> str:
    with pytest.raises(UserError) as caught:
        fetch_weights(kind, source, out)
    assert not out.exists()
    message = str(caught.value)
    assert "\n" not in message
    return message


def _assert_ways_out(message: str, hub_url: str, model: str) -> None:
    for words in (model, hub_url, "weights: offline", "HF_ENDPOINT", "HF_HOME", "HF_HUB_OFFLINE"):
        assert words in message


def test_photo_network_is_what_was_served(hub: HubServer, repos: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    fetch_weights("image", IMAGE, tmp_path / "out")
    served = load_file(repos / "timm/test_resnet.r160_in1k/model.safetensors")
    got = load_file(tmp_path / "out" / "model.safetensors")
    assert set(served) - set(got) == {"fc.weight", "fc.bias"}
    assert all(torch.equal(got[name], served[name]) for name in got)
    about = read_json(tmp_path / "out" / "source.json")
    assert about["weights"] == "hub timm/test_resnet.r160_in1k"
    assert about["revision"] == COMMIT
    assert len(about["mean"]) == len(about["std"]) == 3


def test_text_network_is_what_was_served(hub: HubServer, repos: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file
    from transformers import AutoTokenizer

    fetch_weights("text", TEXT, tmp_path / "out")
    served = load_file(repos / "someone/tiny-bert/model.safetensors")
    got = load_file(tmp_path / "out" / "model.safetensors")
    encoder = {name for name in served if name.startswith("bert.")}
    assert {f"bert.{name}" for name in got if "pooler" not in name} == encoder
    assert all(torch.equal(got[name.removeprefix("bert.")], served[name]) for name in encoder)
    about = read_json(tmp_path / "out" / "source.json")
    assert about == {
        "network": "someone/tiny-bert",
        "weights": "hub someone/tiny-bert",
        "revision": COMMIT,
    }
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out", local_files_only=True)
    assert (tmp_path / "out" / "tokenizer.json").exists()
    assert tokenizer.decode(tokenizer("стол")["input_ids"], skip_special_tokens=True) == "стол"


def test_a_filled_cache_does_without_the_hub(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    for kind, source in BOTH:
        fetch_weights(kind, source, tmp_path / kind)
    first = (tmp_path / "image" / "model.safetensors").read_bytes()
    hub.fault = 503
    for kind, source in BOTH:
        fetch_weights(kind, source, tmp_path / kind)
    hub.asked.clear()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    for kind, source in BOTH:
        fetch_weights(kind, source, tmp_path / kind)
    assert hub.asked == []
    assert (tmp_path / "image" / "model.safetensors").read_bytes() == first


@pytest.mark.parametrize(("kind", "source"), BOTH)
@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (401, "HF_TOKEN"),
        ("gated", "HF_TOKEN"),
        (404, "answered 404"),
        (503, "answered 503"),
        ("hang", "no answer"),
    ],
)
def test_a_hub_that_refuses(
    hub: HubServer, tmp_path: Path, kind: str, source: WeightsSource, fault: int | str, words: str
) -> None:
    hub.fault = fault
    started = time.monotonic()
    message = _failure(kind, source, tmp_path / "out")
    assert time.monotonic() - started < 10
    _assert_ways_out(message, hub.url, source.network)
    assert words in message


@pytest.mark.parametrize(("kind", "source"), BOTH)
@pytest.mark.parametrize("fault", ["short", "hang_body"])
def test_a_download_that_breaks_off(
    hub: HubServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    source: WeightsSource,
    fault: str,
) -> None:
    # The library waits a second between its attempts.
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda _: None)
    hub.fault = fault
    _assert_ways_out(_failure(kind, source, tmp_path / "out"), hub.url, source.network)
    hub.fault = None
    fetch_weights(kind, source, tmp_path / "out")


def test_no_server_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        use_hub(monkeypatch, url, tmp_path / "cache")
        for kind, source in BOTH:
            message = _failure(kind, source, tmp_path / "out")
            _assert_ways_out(message, url, source.network)


def test_a_file_that_lacks_a_layer_is_no_silent_random_start(
    hub: HubServer, repos: Path, tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file

    hub.repos = tmp_path / "repos"
    for repo, layer in (
        ("timm/test_resnet.r160_in1k", "layer2.0.conv1.weight"),
        ("someone/tiny-bert", "bert.encoder.layer.1.output.dense.weight"),
    ):
        (hub.repos / repo).mkdir(parents=True)
        for file in (repos / repo).iterdir():
            (hub.repos / repo / file.name).write_bytes(file.read_bytes())
        state = load_file(repos / repo / "model.safetensors")
        del state[layer]
        save_file(state, hub.repos / repo / "model.safetensors", metadata={"format": "pt"})
    assert "layer2.0.conv1.weight" in _failure("image", IMAGE, tmp_path / "out")
    assert "encoder.layer.1.output.dense.weight" in _failure("text", TEXT, tmp_path / "out")


@pytest.mark.parametrize(
    ("share", "kind", "fault"),
    [
        # Without files, transformers makes a tokenizer that knows only its special tokens.
        (0, None, "its tokenizer has 5 tokens, but its network has {embeddings} embeddings"),
        (0.4, None, "its tokenizer has {words} tokens, but its network has"),
        (1.1, None, "its tokenizer has {words} tokens, but its network has"),
        (0.9, "BertJapaneseTokenizer", "BertJapaneseTokenizer cannot be written as tokenizer.json"),
    ],
)
def test_a_tokenizer_that_does_not_fit_the_network_is_refused(
    share: float, kind: str | None, fault: str, hub: HubServer, repos: Path, tmp_path: Path
) -> None:
    embeddings, words = _serve_word_list(hub, repos, tmp_path, share)
    if kind:
        settings = {"word_tokenizer_type": "basic", "subword_tokenizer_type": "character"}
        file = hub.repos / "someone/tiny-bert" / "tokenizer_config.json"
        write_json(file, {"tokenizer_class": kind, **settings})
    message = _failure("text", TEXT, tmp_path / "out")
    expected = fault.format(embeddings=embeddings, words=words)
    assert f"someone/tiny-bert: {expected}" in message
    assert "random weights" in message


def test_the_word_list_of_an_old_repository_becomes_its_tokenizer(
    hub: HubServer, repos: Path, tmp_path: Path
) -> None:
    _serve_word_list(hub, repos, tmp_path, 0.9)
    fetch_weights("text", TEXT, tmp_path / "out")
    tokenizer = Tokenizer.from_file(str(tmp_path / "out" / "tokenizer.json"))
    assert tokenizer.encode("слово7").tokens == ["[CLS]", "слово7", "[SEP]"]


@pytest.mark.parametrize(
    ("model_type", "architecture"),
    [("qwen3", "Qwen3ForCausalLM"), ("gpt2", "GPT2LMHeadModel"), ("bart", "BartModel")],
)
def test_what_is_no_encoder_is_refused_before_its_weights_are_fetched(
    model_type: str, architecture: str, hub: HubServer, repos: Path, tmp_path: Path
) -> None:
    hub.repos = tmp_path / "repos"
    repo = hub.repos / "someone/tiny-bert"
    shutil.copytree(repos / "someone/tiny-bert", repo)
    write_json(
        repo / "config.json",
        {
            "model_type": model_type,
            "architectures": [architecture],
            "is_encoder_decoder": model_type == "bart",
        },
    )
    message = _failure("text", TEXT, tmp_path / "out")
    assert message.startswith(f"someone/tiny-bert is a {architecture}; expected an encoder")
    assert not [line for line in hub.asked if line.endswith("model.safetensors")]


def test_a_tokenizer_without_a_token_that_begins_a_text_is_refused(
    hub: HubServer, repos: Path, tmp_path: Path
) -> None:
    """As that of the first T5, which reads texts without one."""
    _serve_word_list(hub, repos, tmp_path, 0.9)
    words = hub.repos / "someone/tiny-bert" / "vocab.txt"
    words.write_text(words.read_text(encoding="utf-8").replace("[CLS]", "<cls>"), encoding="utf-8")
    write_json(hub.repos / "someone/tiny-bert" / "tokenizer_config.json", {"cls_token": "<cls>"})
    assert "no token [CLS] or <s> that begins a text" in _failure("text", TEXT, tmp_path / "out")


def _serve_word_list(hub: HubServer, repos: Path, tmp_path: Path, share: float) -> tuple[int, int]:
    """Serve the text network with a vocab.txt instead of its tokenizer.

    Args:
        share: of the number of embeddings, how many words; 0 for no file.

    Returns:
        The number of embeddings and of words.
    """
    hub.repos = tmp_path / "repos"
    repo = hub.repos / "someone/tiny-bert"
    repo.mkdir(parents=True)
    for name in ("config.json", "model.safetensors"):
        shutil.copy(repos / "someone/tiny-bert" / name, repo)
    embeddings = read_json(repo / "config.json")["vocab_size"]
    words = round(share * embeddings)
    if words:
        special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        vocabulary = special + [f"слово{i}" for i in range(words - len(special))]
        (repo / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    return embeddings, words


@pytest.mark.parametrize(("kind", "source"), BOTH)
def test_a_pickle_is_not_loaded(
    hub: HubServer,
    repos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    source: WeightsSource,
) -> None:
    # The real one would ask a converter on the internet, which no test may.
    from transformers import safetensors_conversion

    monkeypatch.setattr(safetensors_conversion, "get_conversion_pr_reference", _no_conversion)
    repo = "timm/test_resnet.r160_in1k" if kind == "image" else "someone/tiny-bert"
    hub.repos = tmp_path / "repos"
    (hub.repos / repo).mkdir(parents=True)
    for file in (repos / repo).iterdir():
        name = file.name.replace("model.safetensors", "pytorch_model.bin")
        (hub.repos / repo / name).write_bytes(file.read_bytes())
    _assert_ways_out(_failure(kind, source, tmp_path / "out"), hub.url, repo)
    assert not [line for line in hub.asked if line.startswith("GET") and line.endswith(".bin")]


def _no_conversion(api: Any, model_id: str) -> str:
    raise OSError("no safetensors, and none could be made")


def test_a_converted_copy_stands_in_for_a_pickle(
    hub: HubServer, repos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import safetensors_conversion

    repo = "someone/tiny-bert"
    hub.repos = tmp_path / "repos"
    (hub.repos / repo).mkdir(parents=True)
    for file in (repos / repo).iterdir():
        if file.name != "model.safetensors":
            (hub.repos / repo / file.name).write_bytes(file.read_bytes())

    def convert(api: Any, model_id: str) -> str:
        hub.repos, hub.commit = repos, "f" * 40
        return "refs/pr/1"

    monkeypatch.setattr(safetensors_conversion, "get_conversion_pr_reference", convert)
    fetch_weights("text", TEXT, tmp_path / "out")
    assert read_json(tmp_path / "out" / "source.json")["revision"] == "f" * 40


@pytest.mark.parametrize(
    ("network", "words"),
    [("resnet50000", "does not know"), ("resnet50.no_tag", "does not know"), ("resnet10t", "")],
)
def test_names_that_timm_has_not(tmp_path: Path, network: str, words: str) -> None:
    if not words:
        import timm

        words, network = "no weights on the Hub", _without_hub(timm)
    source = WeightsSource(network=network, weights="hub")
    assert words in _failure("image", source, tmp_path / "out")


def _without_hub(timm: Any) -> str:
    names = timm.list_models()
    return next(name for name in names if not timm.get_pretrained_cfg(name).hf_hub_id)


def test_the_stage_reads_its_row_and_the_environment(
    repos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = params_content({"weights": "hub"})
    tiny = {"network": "someone/tiny-bert", "weights": "hub"}
    content["text_models"]["tiny"] = content["text_models"]["rubert_tiny2"] | {"hub": tiny}
    content["rows"]["text"].append("tiny")
    YAML().dump(content, tmp_path / "params.yaml")
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    with serving(repos) as server:
        done = subprocess.run(
            [sys.executable, "-m", "stages.weights_text", "tiny"],
            check=False,
            cwd=tmp_path,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "HF_ENDPOINT": server.url,
                "HF_HOME": str(tmp_path / "home"),
            },
            text=True,
            capture_output=True,
        )
    assert done.returncode == 0, done.stderr
    about = read_json(tmp_path / "data" / "weights" / "tiny" / "source.json")
    assert about["weights"] == "hub someone/tiny-bert"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["weights_text", "tinny"])
    with pytest.raises(SystemExit) as wrong:
        run_stage("weights_text@{row}", stages.weights_text.main)
    assert wrong.value.code == (
        "error: weights_text has no row 'tinny'; expected one of tfidf, rubert_tiny2, use, tiny"
    )

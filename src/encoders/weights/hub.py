"""Networks from the Hugging Face Hub, or from its cache when the Hub does not answer."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

from src.core.errors import UserError
from src.encoders.weights.backbone import normalisation, save_backbone


def from_hub(kind: str, network: str, revision: str | None, out: Path) -> dict[str, Any]:
    """Write a network's files into `out`; return what `source.json` says about them.

    Args:
        kind: `image`, for a timm name such as `resnet50.a1_in1k`, or `text`, for a repository.
        revision: the branch, tag or commit; None for the newest, or the one that timm names.

    Raises:
        UserError: timm does not know the network, or neither Hub nor cache has the model whole.
    """
    repo = network
    if kind == "image":
        repo, revision = _timm_repo(network, revision)
    from huggingface_hub.utils import httpx
    from safetensors import SafetensorError

    silence = None
    try:
        silence = _silence(repo, revision)
        if kind == "image":
            about = _image(network, repo, revision, bool(silence), out)
        else:
            about = _text(repo, revision, bool(silence), out)
    except (OSError, ValueError, RuntimeError, httpx.HTTPError, SafetensorError) as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise _unreadable(repo, error, silence) from error
    return {"weights": f"hub {repo}", **about}


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


def _image(
    network: str, repo: str, revision: str | None, cached_only: bool, out: Path
) -> dict[str, Any]:
    from huggingface_hub import hf_hub_download

    # timm falls back on a pickle where there is no safetensors file, so the file is named here.
    file = hf_hub_download(
        repo, "model.safetensors", revision=revision, local_files_only=cached_only
    )
    import timm

    # With its classifier, because timm then insists on every tensor.
    model = timm.create_model(network, pretrained=True, pretrained_cfg_overlay={"file": file})
    save_backbone(network, model.state_dict(), out)
    # The cache keeps a file under the commit that it belongs to.
    return {**normalisation(network), "revision": Path(file).parent.name}


def _text(repo: str, revision: str | None, cached_only: bool, out: Path) -> dict[str, Any]:
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


def _unreadable(repo: str, error: Exception, silence: str | None) -> UserError:
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

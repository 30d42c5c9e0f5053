"""Networks from the Hugging Face Hub, or from its cache when the Hub cannot be reached."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

from src.core.errors import UserError
from src.core.files import read_json
from src.core.wording import count_of
from src.encoders.weights.backbone import normalisation, save_backbone

# As transformers calls them; of these, the encoder alone is used.
T5 = ("t5", "mt5", "umt5")


def from_hub(kind: str, network: str, revision: str | None, out: Path) -> dict[str, Any]:
    """Write a network's files into `out`; return the description of its weights for source.json.

    Args:
        kind: image or text.
        network: timm's name such as `resnet50.a1_in1k`, or a repository of a text network.
        revision: branch, tag or commit; None for the newest, or the one that timm names.

    Raises:
        UserError: timm does not know the network, its tokenizer does not fit, or neither the Hub
            nor its cache has all of it.
    """
    repo = network
    if kind == "image":
        repo, revision = _timm_repo(network, revision)
    from huggingface_hub.utils import httpx
    from safetensors import SafetensorError

    outage = None
    try:
        outage = _hub_outage_reason(repo, revision)
        if kind == "image":
            content = _image(network, repo, revision, bool(outage), out)
        else:
            content = _text(repo, revision, bool(outage), out)
    except (OSError, ValueError, RuntimeError, httpx.HTTPError, SafetensorError) as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise _unreadable(repo, error, outage) from error
    return {"weights": f"hub {repo}", **content}


def _timm_repo(network: str, revision: str | None) -> tuple[str, str | None]:
    """Return the repository of a timm name such as `resnet50.a1_in1k`, and its revision."""
    import timm

    try:
        config: Any = timm.get_pretrained_cfg(network, allow_unregistered=False)
    except RuntimeError as error:
        raise UserError(f"timm {timm.__version__} does not know `{network}`: {error}") from error
    repo = config.hf_hub_id or ""
    if not repo:
        raise UserError(
            f"timm's `{network}` has no weights on the Hub; choose another of timm's networks"
        )
    # For its own repositories timm only gives `timm/`; the rest is the network's name.
    repo += f"{config.architecture}.{config.tag}" if repo.endswith("/") else ""
    repo, _, pinned = repo.partition("@")
    return repo, revision or pinned or None


def _hub_outage_reason(repo: str, revision: str | None) -> str | None:
    """Ask the Hub for the repository once; return why it cannot be used, or None if it answers.

    Without this, the loaders would wait a minute for a server that hangs, several times over.
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

    # Named, because timm would load a pickle where there is no safetensors file.
    file = hf_hub_download(
        repo, "model.safetensors", revision=revision, local_files_only=cached_only
    )
    import timm

    # With its classifier, so that timm requires every tensor.
    model = timm.create_model(network, pretrained=True, pretrained_cfg_overlay={"file": file})
    save_backbone(network, model.state_dict(), out)
    # The cache keeps each file in a folder named after its commit.
    return {**normalisation(network), "revision": Path(file).parent.name}


def _text(repo: str, revision: str | None, cached_only: bool, out: Path) -> dict[str, Any]:
    import torch
    from huggingface_hub import HfApi, snapshot_download
    from transformers import (
        AutoConfig,
        AutoModel,
        AutoModelForTextEncoding,
        AutoTokenizer,
        logging,
    )
    from transformers.safetensors_conversion import get_conversion_pr_reference

    def copy(revision: str | None, *files: str) -> Path:
        files = (*files, "*.json", "*.txt", "*.model")
        return Path(
            snapshot_download(
                repo, revision=revision, allow_patterns=list(files), local_files_only=cached_only
            )
        )

    # Before gigabytes of weights.
    config = AutoConfig.from_pretrained(copy(revision))
    _require_encoder(config, repo)
    folder = copy(revision, "model*.safetensors")
    if not list(folder.glob("model*.safetensors")) and not cached_only and not revision:
        # An old repository may only have a pickle; the Hub's converter keeps a safe copy of it.
        folder = copy(get_conversion_pr_reference(HfApi(), repo), "model*.safetensors")
    logging.set_verbosity_error()
    # Loaded from the copy, because the loaders ask the Hub for more files than they need.
    loader = AutoModelForTextEncoding if config.model_type in T5 else AutoModel
    model, report = loader.from_pretrained(
        folder, use_safetensors=True, dtype=torch.float32, output_loading_info=True
    )
    # The pooler is not used, and checkpoints of masked language models have none.
    missing = sorted(name for name in report["missing_keys"] if "pooler" not in name)
    if missing:
        raise ValueError(f"{count_of(len(missing), 'tensor')} missing, such as {missing[0]}")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    _require_fitting(tokenizer, model.get_input_embeddings().num_embeddings, repo)
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    return {"revision": folder.name, **_sentence_settings(folder)}


def _sentence_settings(folder: Path) -> dict[str, Any]:
    """Return `pooling` and `prefixes` as the files of sentence-transformers say, if there are any.

    `pooling` is mean, cls, last or another of their names; `prefixes` are those to choose from.
    """
    found: dict[str, Any] = {}
    pooling, prompts = (
        folder / "1_Pooling/config.json",
        folder / "config_sentence_transformers.json",
    )
    if pooling.exists():
        modes = [name for name, on in read_json(pooling).items() if on is True]
        names = [name.removeprefix("pooling_mode_") for name in modes if "pooling_mode" in name]
        short = {"mean_tokens": "mean", "cls_token": "cls", "lasttoken": "last"}
        found["pooling"] = "+".join(short.get(name, name) for name in names)
    if prompts.exists() and (prefixes := read_json(prompts).get("prompts")):
        found["prefixes"] = sorted(set(prefixes.values()))
    return found


def _require_encoder(config: Any, repo: str) -> None:
    """Refuse a decoder, and of networks with encoder and decoder all but T5's kin."""
    for architecture in config.architectures or []:
        decoder = architecture.endswith(("ForCausalLM", "LMHeadModel"))
        if decoder or (config.is_encoder_decoder and config.model_type not in T5):
            raise UserError(
                f"{repo} is a {architecture}; expected an encoder such as BERT, RoBERTa, DeBERTa "
                "or T5's: choose another network for this row"
            )


def _require_fitting(tokenizer: Any, embeddings: int, repo: str) -> None:
    """Refuse a tokenizer that cannot be saved as tokenizer.json, or is not the network's.

    Without files of a tokenizer transformers makes one that knows only its special tokens. Some
    networks have embeddings to spare, but none has most of them to spare.
    """
    if not tokenizer.is_fast:
        fault = f"{type(tokenizer).__name__} cannot be written as tokenizer.json"
    elif not {"[CLS]", "<s>"} & set(tokenizer.get_vocab()):
        fault = "its tokenizer has no token [CLS] or <s> that begins a text"
    else:
        numbers = max(tokenizer.get_vocab().values()) + 1
        if embeddings / 2 <= numbers <= embeddings:
            return
        fault = f"its tokenizer has {numbers} tokens, but its network has {embeddings} embeddings"
    raise UserError(
        f"{repo}: {fault}; expected a network whose repository has its own tokenizer.json: choose "
        "another, or start from random weights, which get a new vocabulary"
    )


def _unreadable(repo: str, error: Exception, outage: str | None) -> UserError:
    """Return one line that says why a model could not be read, and what to do."""
    from huggingface_hub import constants
    from huggingface_hub.errors import HfHubHTTPError

    reason = " ".join(str(error).split())[:300] or type(error).__name__
    if outage:
        reason = f"{outage}, and the cache does not have the model"
    elif isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        reason = f"it answered {status}"
        if status in (401, 403):
            reason += " (no such model, or it requires a login: set HF_TOKEN)"
        elif status == 404:
            reason += f" for {error.response.url.path} (a wrong name, or it has no safetensors)"
    return UserError(
        f"{repo} could not be read from {constants.ENDPOINT}: {reason}; set `weights: offline` "
        "in params.yaml, HF_ENDPOINT=<a mirror>, or HF_HUB_OFFLINE=1 with HF_HOME=<a folder whose "
        "cache has the model>"
    )

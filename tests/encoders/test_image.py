"""Image networks and augmentation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from ruamel.yaml import YAML
from torch.utils.data import DataLoader

from src.core.errors import UserError
from src.core.files import write_json
from src.core.listings import labels_of
from src.core.params import parse_params
from src.encoders.common.encoder import FitPlan
from src.encoders.common.network import network_encoder
from src.encoders.image.augment import Augment
from src.encoders.image.data import ImageData
from src.encoders.image.model import ImageClassifier
from src.encoders.image.networks import start_image_network
from tests.encoders.conftest import SIZE, TRAINER, kernel_image, photo_weights, trained_image
from tests.made import CLASSES

PHOTOS = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (4, SIZE, SIZE, 3), np.uint8))


@pytest.mark.parametrize(
    ("network", "width"),
    # The last has a layer more between its last map and its classifier.
    [
        ("plain_cnn", 256),
        ("test_resnet", 96),
        ("test_efficientnet", 256),
        ("mobilenetv3_small_050", 1024),
    ],
)
def test_any_network_turns_photos_into_features_and_logits(
    network: str, width: int, tmp_path: Path
) -> None:
    model = start_image_network(
        trained_image(), photo_weights(tmp_path, network), num_classes=3
    ).eval()
    with torch.inference_mode():
        assert model.features(PHOTOS).shape == (4, width)
        assert model(PHOTOS).shape == (4, 3)


@pytest.mark.parametrize("pixels", [16, SIZE, 64])
def test_photos_are_brought_to_the_network_s_size(pixels: int, cnn_weights: Path) -> None:
    model = start_image_network(trained_image(pixels=pixels), cnn_weights, num_classes=3).eval()
    seen: list[torch.Size] = []
    model.backbone.register_forward_pre_hook(lambda _, x: seen.append(x[0].shape))
    with torch.inference_mode():
        model.features(PHOTOS)
    assert seen == [(4, 3, pixels, pixels)]


def test_the_weights_own_mean_and_deviation_normalise_the_photos(tmp_path: Path) -> None:
    folder = photo_weights(tmp_path)
    normed = {"mean": [0.1, 0.2, 0.3], "std": [0.5, 0.25, 0.125]}
    write_json(folder / "source.json", {"network": "plain_cnn", "weights": "random", **normed})
    model = start_image_network(trained_image(), folder, num_classes=3)
    model.backbone = torch.nn.Identity()
    x = model.features(PHOTOS)
    for channel in range(3):
        plain = PHOTOS[..., channel].float() / 255
        expected = (plain - normed["mean"][channel]) / normed["std"][channel]
        torch.testing.assert_close(x[:, channel], expected)


@pytest.mark.parametrize(
    "network", ["test_resnet", "test_efficientnet", "test_vit", "mobilenetv3_small_050"]
)
def test_averaged_maps_of_the_last_blocks_follow_the_features(network: str, tmp_path: Path) -> None:
    folder = photo_weights(tmp_path, network)
    # A transformer reads photos of its own size.
    pixels = 160 if network == "test_vit" else 64
    model = start_image_network(kernel_image(blocks=2, pixels=pixels), folder, num_classes=3).eval()
    plain = start_image_network(kernel_image(pixels=pixels), folder, num_classes=3).eval()
    plain.backbone.load_state_dict(model.backbone.state_dict())
    with torch.inference_mode():
        found, features = model.features(PHOTOS), plain.features(PHOTOS)
        x = torch.nn.functional.interpolate(
            PHOTOS.permute(0, 3, 1, 2).float(), (pixels, pixels), mode="bilinear", antialias=True
        )
        maps = model.backbone.forward_intermediates(
            (x - model.mean) / model.std, intermediates_only=True
        )
    torch.testing.assert_close(found[:, : features.shape[1]], features, rtol=1e-4, atol=1e-4)
    averages = torch.cat([one.mean((2, 3)) for one in maps[-2:]], 1)
    torch.testing.assert_close(found[:, features.shape[1] :], averages, rtol=1e-3, atol=1e-3)
    assert found.shape[1] == len(model.head.mean)


def test_mirrored_features_are_those_of_a_photo_and_its_mirror_image(tmp_path: Path) -> None:
    folder = photo_weights(tmp_path, "test_resnet")
    model = start_image_network(kernel_image(mirrored=True), folder, num_classes=3).eval()
    plain = start_image_network(kernel_image(), folder, num_classes=3).eval()
    plain.backbone.load_state_dict(model.backbone.state_dict())
    with torch.inference_mode():
        found = model.features(PHOTOS)
        both = (plain.features(PHOTOS) + plain.features(PHOTOS.flip(2))) / 2
        torch.testing.assert_close(found, both)
        torch.testing.assert_close(found, model.features(PHOTOS.flip(2)))
        assert not torch.allclose(found, plain.features(PHOTOS), atol=1e-3)


@pytest.mark.parametrize(("network", "blocks"), [("plain_cnn", 1), ("test_vit", 90)])
def test_more_blocks_than_a_network_has_are_refused_in_one_line(
    network: str, blocks: int, tmp_path: Path
) -> None:
    settings, folder = kernel_image(blocks=blocks, pixels=160), photo_weights(tmp_path, network)
    with pytest.raises(UserError, match=f"blocks is {blocks}; expected at most") as error:
        start_image_network(settings, folder, num_classes=3)
    assert "\n" not in str(error.value)


def test_stored_weights_are_where_the_network_starts(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    folder = photo_weights(tmp_path)
    stored = start_image_network(trained_image(), folder, num_classes=3).backbone.state_dict()
    save_file({k: v.contiguous() for k, v in stored.items()}, folder / "model.safetensors")
    again = start_image_network(trained_image(), folder, num_classes=3).backbone.state_dict()
    for name, tensor in stored.items():
        torch.testing.assert_close(again[name], tensor, rtol=0, atol=0)


def test_an_unknown_network_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="network is 'resnet5000'") as error:
        start_image_network(trained_image(), photo_weights(tmp_path, "resnet5000"), num_classes=3)
    assert "\n" not in str(error.value)


def test_a_view_depends_on_photo_and_seed_alone() -> None:
    augment = Augment(SIZE)
    photo = PHOTOS[0].numpy()
    before = photo.copy()
    views = {epoch: augment(photo, (7, epoch, 3)) for epoch in range(8)}
    for view in views.values():
        assert view.shape == (SIZE, SIZE, 3)
        assert view.dtype == np.uint8
    assert len({view.tobytes() for view in views.values()}) == 8
    np.testing.assert_array_equal(photo, before)
    # In another order, by another pipeline.
    again = Augment(SIZE)
    for epoch in reversed(range(8)):
        np.testing.assert_array_equal(again(photo, (7, epoch, 3)), views[epoch])
    assert augment(photo, (7, 0, 4)).tobytes() != views[0].tobytes()
    assert augment(photo, (8, 0, 3)).tobytes() != views[0].tobytes()


class _Views(torch.utils.data.Dataset[Any]):
    """Views of one photo, made wherever the loader asks for them."""

    def __init__(self) -> None:
        self.augment = Augment(SIZE)

    def __len__(self) -> int:
        return 4

    def __getitem__(self, epoch: int) -> Any:
        return self.augment(PHOTOS[0].numpy(), (7, epoch, 3))


def test_a_view_is_the_same_in_a_worker_process() -> None:
    here, there = (
        torch.cat(list(DataLoader(_Views(), batch_size=2, num_workers=workers)))
        for workers in (0, 2)
    )
    assert torch.equal(here, there)


def test_only_listings_with_a_photo_are_rows(
    table: pd.DataFrame, packed: Path, cnn_weights: Path
) -> None:
    some = table.assign(photo_row=[-1, *range(1, len(table))])
    photos = ImageData(some, packed, cnn_weights, trained_image())
    assert photos.rows.tolist() == list(range(1, len(table)))
    stored = np.load(packed / "photos.npy")
    np.testing.assert_array_equal(photos.batch(np.array([0, 4])).numpy(), stored[[1, 5]])


def test_augmented_batches_are_plain_without_augmentation_and_differ_by_epoch_with_it(
    table: pd.DataFrame, packed: Path, cnn_weights: Path
) -> None:
    rows = np.array([0, 4])
    plain = ImageData(table, packed, cnn_weights, trained_image())
    assert torch.equal(plain.augmented_batch(rows, [0, 0], 7), plain.batch(rows))
    varied = ImageData(table, packed, cnn_weights, trained_image(augment="albumentations"))
    first, again, later = (varied.augmented_batch(rows, [epoch] * 2, 7) for epoch in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, later)


@pytest.mark.parametrize(
    "changes",
    [{"augment": "flips"}, {"augment": "albumentations", "tune": "head", "views": 0}],
    ids=["unknown", "no views"],
)
def test_an_augmentation_that_cannot_be_is_refused_in_one_line(changes: dict[str, Any]) -> None:
    params = YAML(typ="safe").load(Path("params.yaml"))
    params["image_models"]["cnn"] |= changes
    with pytest.raises(UserError, match=r"params\.yaml: image_models\.cnn\.") as error:
        parse_params(params)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("kind", ["trained", "kernel", "mirrored"])
def test_a_saved_network_scores_the_same_photos_the_same(
    kind: str, table: pd.DataFrame, packed: Path, cnn_weights: Path, tmp_path: Path
) -> None:
    settings = kernel_image(mirrored=kind == "mirrored")
    if kind == "trained":
        settings = trained_image(tune="head")
    photos = ImageData(table, packed, cnn_weights, settings)
    encoder = network_encoder(photos, labels_of(table)[1], CLASSES, settings, TRAINER, 7, "cnn")
    model, _ = encoder.fit(np.arange(36), FitPlan(7, "row", np.arange(36, 48)))
    model.save(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"model.json", "model.safetensors"}
    loaded = ImageClassifier.load(tmp_path)
    assert loaded.classes == list(CLASSES)
    assert loaded.settings == settings
    # More photos than one batch holds.
    expected = encoder.score(model, np.arange(60))
    found = loaded.score(np.load(packed / "photos.npy"))
    np.testing.assert_allclose(found.features, expected.features, atol=1e-5)
    np.testing.assert_allclose(found.probs, expected.probs, atol=1e-5)


def test_broken_weights_are_refused_in_one_line(
    table: pd.DataFrame, packed: Path, cnn_weights: Path, tmp_path: Path
) -> None:
    photos = ImageData(table, packed, cnn_weights, trained_image())
    photos.start(CLASSES).save(tmp_path)
    whole = (tmp_path / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(whole[:-100])
    with pytest.raises(UserError, match="does not hold this network's weights") as error:
        ImageClassifier.load(tmp_path)
    assert "\n" not in str(error.value)

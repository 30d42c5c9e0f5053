"""The chosen models fitted again for the bundle, on all listings: test has done its work.

They are never scored: what the table says is the score of the models that were judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import TypeAdapter

from src.artifacts.outputs import RowOutput
from src.core.errors import UserError
from src.core.files import read_json, replacing
from src.core.schema import FusedModel, ImageModel, TextModel, Trainer
from src.encoders.common.encoder import Encoder, FitPlan, ReusesFeatures, best_epoch
from src.fusion.fuse import fuse


def refit_models(
    data: Path,
    out: Path,
    table: pd.DataFrame,
    rows: Mapping[str, str],
    fused_model: FusedModel | None,
    trainer: Trainer,
    seed: int,
) -> dict[str, int]:
    """Fit the models of a bundle on all listings, each as its checkpoint says it was fitted.

    The heads learn from the unseen outputs of the judged models: the out-of-fold ones of train and
    val, and the full encoder's ones of test.

    Args:
        data: the folder `data`.
        out: gets a folder for each row, like data/checkpoints.
        table: the prepared listings.
        rows: names of the bundle's rows by kind: image, text, fused.
        fused_model: settings of the fused row; None for none.

    Returns:
        How many listings each was fitted on, by kind.
    """
    counts = {}
    # Other machines take part in the training stages alone.
    trainer = trainer.model_copy(update={"nodes": 1})
    for kind, row in rows.items():
        if kind != "fused":
            encoder = _encoder(kind, row, data, table, trainer, seed)
            _refit(encoder, row, data, out, table, seed)
            counts[kind] = len(encoder.rows)
    if fused_model:
        outputs = _outputs(data, rows)
        # One split holds all: nothing is left to be judged.
        every = table.assign(split="train")
        fused = fuse(every, outputs["image"], outputs["text"], fused_model, seed)
        fused.model.save(out / rows["fused"])
        counts["fused"] = _unseen(every, outputs)
    return counts


def judged_on(data: Path, table: pd.DataFrame, rows: Mapping[str, str]) -> dict[str, int]:
    """Return how many listings each of the judged models was fitted on, by kind.

    Args:
        data, table, rows: as for `refit_models`.
    """
    outputs = _outputs(data, rows)
    counts = {
        kind: len(np.unique(output.full.fitted_ids[output.full.fitted_by == 0]))
        for kind, output in outputs.items()
    }
    return counts | ({"fused": _unseen(table, outputs)} if "fused" in rows else {})


def _outputs(data: Path, rows: Mapping[str, str]) -> dict[str, RowOutput]:
    return {
        kind: RowOutput.load(data / "embeddings" / row)
        for kind, row in rows.items()
        if kind != "fused"
    }


def _unseen(table: pd.DataFrame, outputs: Mapping[str, RowOutput]) -> int:
    """Return how many listings outside the test split no encoder saw: heads learn from these."""
    ids, groups = table["id"].to_numpy(dtype=str), table.set_index("id")["group"]
    usable = (table["split"] != "test").to_numpy()
    for output in outputs.values():
        full = output.full
        unseen = [full.ids[full.unseen(groups)], output.out_of_fold.ids]
        usable = usable & (~np.isin(ids, full.ids) | np.isin(ids, np.concatenate(unseen)))
    return int(usable.sum())


def _encoder(
    kind: str, row: str, data: Path, table: pd.DataFrame, trainer: Trainer, seed: int
) -> Encoder:
    settings = read_json(data / "checkpoints" / row / "model.json")["settings"]
    # Imported late, with PyTorch.
    if kind == "image":
        from src.encoders.image.train import image_encoder

        photos: TypeAdapter[ImageModel] = TypeAdapter(ImageModel)
        return image_encoder(table, row, photos.validate_python(settings), trainer, seed, data)
    from src.encoders.text.train import text_encoder

    texts: TypeAdapter[TextModel] = TypeAdapter(TextModel)
    return text_encoder(table, row, texts.validate_python(settings), trainer, seed, data)


def _refit(
    encoder: Encoder, row: str, data: Path, out: Path, table: pd.DataFrame, seed: int
) -> None:
    if isinstance(encoder, ReusesFeatures):
        full = RowOutput.load(data / "embeddings" / row).full
        if full.ids.tolist() != table["id"].iloc[encoder.rows].tolist():
            raise UserError(
                f"{data}/embeddings/{row} is of other listings than {data}/prepared; "
                "run `dvc repro` for all stages"
            )
        encoder.reuse(full.features)
    curves = data / "checkpoints" / row / "curves.csv"
    epochs = best_epoch(pd.read_csv(curves)) if curves.exists() else None
    plan = FitPlan(seed, f"{row}, all listings", epochs=epochs)
    model, _ = encoder.fit(np.arange(len(encoder.rows)), plan)
    with replacing(out / row) as folder:
        folder.mkdir()
        model.save(folder)

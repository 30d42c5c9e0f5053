"""The chosen models fitted again for the bundle, on all listings: test has done its work.

They are never scored: what the table says is the score of the models that were judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import TypeAdapter

from src.artifacts.outputs import ModelOutput, RowOutput
from src.core.errors import UserError
from src.core.files import read_json, replacing
from src.core.schema import FusedModel, ImageModel, TextModel, Trainer
from src.encoders.common.encoder import Encoder, FitPlan, FittedModel, ReusesFeatures, best_epoch
from src.encoders.common.projection import projected
from src.fusion.fuse import fuse
from src.fusion.fused import FusedClassifier
from src.fusion.join import join_outputs, save_joined


def refit_models(
    data: Path,
    out: Path,
    table: pd.DataFrame,
    rows: Mapping[str, str],
    fused_model: FusedModel | None,
    trainer: Trainer,
    seed: int,
    unfinished: Path | None = None,
) -> dict[str, int]:
    """Fit the models of a bundle on all listings, each as its checkpoint says it was fitted.

    The heads learn from the unseen outputs of the judged models: the out-of-fold ones of train and
    val, and the full encoder's ones of test. Their features are projected into the space of the
    models fitted again, which the heads will read.

    Args:
        data: the folder `data`.
        out: gets a folder for each row, like data/checkpoints.
        table: the prepared listings.
        rows: names of the bundle's rows by kind: image, text, fused.
        fused_model: settings of the fused row; None for none.
        unfinished: where fits are kept until all are done; None for nowhere.

    Returns:
        How many listings each was fitted on, by kind.
    """
    # Other machines take part in the training stages alone.
    trainer = trainer.model_copy(update={"nodes": 1})
    features_read = fused_model is not None and fused_model.inputs != "probs"
    again = _Again(data, table, trainer, seed, features_read, unfinished)
    outputs, counts = {}, {}
    for kind, row in rows.items():
        if kind != "fused":
            outputs[kind], counts[kind] = again.refit(kind, row, out)
    if fused_model:
        fused = fuse(again.every, outputs["image"], outputs["text"], fused_model, seed)
        fused.model.save(out / rows["fused"])
        counts["fused"] = fused.predictions.n_fitted
    return counts


def judged_on(data: Path, rows: Mapping[str, str]) -> dict[str, int]:
    """Return how many listings each of the judged models was fitted on, by kind.

    Args:
        data, rows: as for `refit_models`.
    """
    return {
        kind: (
            FusedClassifier.load(data / "checkpoints" / row).n_fitted_
            if kind == "fused"
            else RowOutput.load(data / "embeddings" / row).full.count_fitted()
        )
        for kind, row in rows.items()
    }


class _Again:
    """What all models are fitted on again.

    Args:
        features_read: whether a head reads the models' features.
        unfinished: where fits are kept until all are done; None for nowhere.

    Attributes:
        every: the prepared listings in one split: nothing is left to be judged.
    """

    def __init__(
        self,
        data: Path,
        table: pd.DataFrame,
        trainer: Trainer,
        seed: int,
        features_read: bool,
        unfinished: Path | None,
    ) -> None:
        self.data, self.table, self.trainer, self.seed = data, table, trainer, seed
        self.features_read, self.unfinished = features_read, unfinished
        self.every = table.assign(split="train")

    def refit(self, kind: str, row: str, out: Path) -> tuple[RowOutput, int]:
        """Fit a row's model and write it to `out`/<row>.

        Returns:
            The judged model's outputs, with features in the space of the new model if they are
            read, and how many listings the new one was fitted on. The outputs of a joined row are
            joined anew, out of fold for all listings.
        """
        joined = self.data / "checkpoints" / row / "parts.json"
        if joined.exists():
            names = read_json(joined)
            parts = {part: self.refit(kind, name, out)[0] for part, name in names.items()}
            model, output = join_outputs(self.every, parts, self.seed)
            save_joined(model, names, out, out / row)
            return output, len(output.full.ids)
        encoder = _encoder(kind, row, self.data, self.table, self.trainer, self.seed)
        output = RowOutput.load(self.data / "embeddings" / row)
        fitted = _refit(encoder, row, self.data, output, self.table, self.seed, self.unfinished)
        with replacing(out / row) as folder:
            folder.mkdir()
            fitted.save(folder)
        if self.features_read and not encoder.frozen_features:
            features = encoder.score(fitted, np.arange(len(encoder.rows))).features
            output = _in_space_of(features, self.table["id"].iloc[encoder.rows], output)
        return output, len(encoder.rows)


def _in_space_of(features: NDArray[np.float32], ids: pd.Series, output: RowOutput) -> RowOutput:
    """Return a judged row's outputs with features in the space of the model fitted again.

    Args:
        features: of that model, [N, D]; `ids` are those of the listings, [N].
    """
    full = output.full
    both = np.isin(full.ids, full.fitted_ids)
    theirs = features[pd.Index(ids).get_indexer(pd.Index(full.ids[both]))]

    def moved(one: ModelOutput) -> ModelOutput:
        return replace(one, features=projected(one.features, full.features[both], theirs))

    return RowOutput(moved(full), moved(output.out_of_fold))


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
    encoder: Encoder,
    row: str,
    data: Path,
    output: RowOutput,
    table: pd.DataFrame,
    seed: int,
    unfinished: Path | None,
) -> FittedModel:
    if isinstance(encoder, ReusesFeatures):
        if output.full.ids.tolist() != table["id"].iloc[encoder.rows].tolist():
            raise UserError(
                f"{data}/embeddings/{row} is of other listings than {data}/prepared; "
                "run `dvc repro` for all stages"
            )
        encoder.reuse(output.full.features)
    curves = data / "checkpoints" / row / "curves.csv"
    epochs = best_epoch(pd.read_csv(curves)) if curves.exists() else None
    plan = FitPlan(seed, f"{row}, all listings", None, epochs, unfinished)
    model, _ = encoder.fit(np.arange(len(encoder.rows)), plan)
    return model

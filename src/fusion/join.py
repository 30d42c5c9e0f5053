"""A row that joins two others of its kind, as two networks that read the same texts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from shutil import copytree, ignore_patterns

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from src.artifacts.outputs import ModelOutput, RowOutput
from src.core.files import read_json, replacing, write_json
from src.core.listings import labels_of
from src.core.rounds import cv_rounds
from src.fusion.blocks import PARTS, joined_features, model_block, with_out_of_fold
from src.fusion.fused import FusedClassifier
from src.fusion.heads import make_heads

# Of the head `stack`: with the larger one the parts get a weight each, with the smaller one each
# class gets one as well.
PENALTIES = [0.03, 0.003]


def join_rows(
    table: pd.DataFrame, row: str, names: Mapping[str, str], data: Path, seed: int, repeats: int
) -> None:
    """Join two rows in every round; write data/embeddings, checkpoints and weights of `row`.

    The checkpoint holds the classifier of the first round, and the parts' checkpoints in folders
    named as in PARTS.

    Args:
        table: the prepared listings.
        names: names of the two rows, by PARTS.
        data: the folder `data`.
        repeats: how often it is done, with the seeds `seed`, `seed + 1` and so on.

    Raises:
        LeakError: as `join_outputs` does.
    """
    with replacing(data / "embeddings" / row) as embeddings:
        for repeat in range(repeats):
            for cv_round, split in enumerate(cv_rounds(table)):
                parts = {
                    part: RowOutput.load(data / "embeddings" / name, cv_round, repeat)
                    for part, name in names.items()
                }
                model, output = join_outputs(table.assign(split=split), parts, seed + repeat)
                output.save(embeddings, cv_round, repeat)
                if repeat == cv_round == 0:
                    save_joined(model, names, data / "checkpoints", data / "checkpoints" / row)
    sources = {name: read_json(data / "weights" / name / "source.json") for name in names.values()}
    weights = " + ".join(f"{name}: {source['weights']}" for name, source in sources.items())
    with replacing(data / "weights" / row) as folder:
        folder.mkdir()
        write_json(folder / "source.json", {"weights": weights, "parts": sources})


def save_joined(
    model: FusedClassifier, names: Mapping[str, str], checkpoints: Path, out: Path
) -> None:
    """Write a classifier and copies of its parts' checkpoints to the folder `out`."""
    with replacing(out) as folder:
        model.save(folder)
        for part, name in names.items():
            copytree(checkpoints / name, folder / part, ignore=ignore_patterns("*.csv"))
        write_json(folder / "parts.json", dict(names))


def join_outputs(
    table: pd.DataFrame, parts: Mapping[str, RowOutput], seed: int
) -> tuple[FusedClassifier, RowOutput]:
    """Join what two rows say of the listings in one round of cross-validation.

    A fused classifier weighs the parts' log-probabilities. It learns from outputs out of fold, and
    what it says out of fold comes from heads that were fitted without the listing's group.

    Args:
        table: the prepared listings.
        parts: outputs of the two rows, by the names in PARTS.

    Returns:
        The classifier, over blocks with these names, and the outputs of the joined row. A listing
        that one part cannot read gets the answer of the other.

    Raises:
        LeakError: a part was fitted on a test listing or a near-duplicate of one.
    """
    classes, y = labels_of(table)
    ids, groups = table["id"].to_numpy(dtype=str), table.set_index("id")["group"]
    tested = (table["split"] == "test").to_numpy()
    honest = {name: with_out_of_fold(part) for name, part in parts.items()}
    blocks, seen = {}, {}
    for name, part in parts.items():
        judged = part.full.subset(np.isin(part.full.ids, ids[tested]))
        judged.require_unseen(groups, f"test split, {name} part of a joined row")
        blocks[name] = model_block(table, honest[name], "probs")
        seen[name] = model_block(table, part.full, "probs")
    heads = make_heads("stack", {}, {"penalty": PENALTIES}, len(classes), seed)
    model = FusedClassifier(heads, classes, seed=seed)
    model.fit(blocks, y, ~tested, groups.to_numpy(dtype=object))

    read = np.logical_or.reduce([block.present for block in blocks.values()])
    unseen = np.logical_and.reduce([block.unseen for block in blocks.values()])
    full = [parts[name].full for name in PARTS]
    fitted_on = read & unseen & ~tested
    return model, RowOutput(
        _joined(ids, read, full, model.predict_proba(seen)),
        _joined(ids, fitted_on, [honest[name] for name in PARTS], model.held_out_, apart=True),
    )


def _joined(
    ids: NDArray[np.str_],
    chosen: NDArray[np.bool_],
    parts: list[ModelOutput],
    probs: NDArray[np.floating],
    apart: bool = False,
) -> ModelOutput:
    """Return the joined outputs of the chosen listings.

    Args:
        ids: of all N listings; `chosen` [N] and `probs` [N, C] are of these.
        apart: each pair of the parts' encoders counts as an encoder, numbered from 1; where one of
            them left out the listing's group, so did the pair. The chosen listings are unseen by
            both. By default all are encoder 0.
    """
    ids = ids[chosen]
    index = pd.Index(ids)
    rows = [index.get_indexer(pd.Index(part.ids)) for part in parts]
    here = [row >= 0 for row in rows]
    encoders = np.zeros((len(ids), len(parts)), int)
    left_out = np.full(len(ids), "", dtype=object)
    if apart:
        # Where a part did not score a listing, none of its encoders counts.
        encoders[:] = -1
        for column, (part, row, kept) in enumerate(zip(parts, rows, here, strict=True)):
            encoders[row[kept], column] = part.scored_by[kept]
            without = kept & (part.left_out != "")
            left_out[row[without]] = part.left_out[without]
    pairs, number = np.unique(encoders, axis=0, return_inverse=True)
    fitted = [np.unique(np.concatenate(_fitted(parts, pair))) for pair in pairs]
    numbers = np.arange(len(pairs), dtype=np.int32) + apart
    return ModelOutput(
        ids=ids,
        features=joined_features(
            len(ids),
            [part.features[kept] for part, kept in zip(parts, here, strict=True)],
            [row[kept] for row, kept in zip(rows, here, strict=True)],
        ),
        probs=probs[chosen].astype(np.float32),
        classes=parts[0].classes,
        scored_by=numbers[number.ravel()],
        left_out=left_out.astype(str),
        fitted_ids=np.concatenate(fitted),
        fitted_by=np.repeat(numbers, [len(some) for some in fitted]),
        frozen=all(part.frozen for part in parts),
    )


def _fitted(parts: list[ModelOutput], pair: NDArray[np.intp]) -> list[NDArray[np.str_]]:
    """Return the ids that each part's encoder of the pair was fitted on."""
    return [
        part.fitted_ids[part.fitted_by == encoder]
        for part, encoder in zip(parts, pair, strict=True)
    ]

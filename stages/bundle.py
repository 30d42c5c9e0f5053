"""Stage bundle: gather what a prediction needs of the chosen models into data/bundle."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from src.core.listings import PREPARED, read_listings
from src.core.params import stage_params
from src.core.timing import run_stage
from src.core.unfinished import unfinished
from src.predict.bundle import rows_by_kind
from src.predict.refit import judged_on, refit_models


def main() -> None:
    # Imported late, with PyTorch.
    from src.predict.make_bundle import write_bundle

    params, data = stage_params("bundle"), Path("data")
    table = read_listings(data / "prepared" / "listings.parquet", PREPARED)
    chosen = (params.model, params.text_model, params.fused_model)
    rows, fused_model = rows_by_kind(*chosen), params.fusion.get(params.fused_model)
    with unfinished("bundle") as kept, TemporaryDirectory() as folder:
        refitted = Path(folder) if params.bundle.refit else None
        fitted_on = (
            refit_models(
                data, refitted, table, rows, fused_model, params.pinned_trainer, params.seed, kept
            )
            if refitted
            else judged_on(data, rows)
        )
        write_bundle(
            data,
            data / "bundle",
            table,
            rows=rows,
            fused_model=fused_model,
            photo_pixels=params.pack.pixels,
            columns=params.collect.table.columns,
            fitted_on=fitted_on,
            metrics=Path("metrics"),
            source=params.collect.source,
            refitted=refitted,
        )


if __name__ == "__main__":
    run_stage("bundle", main)

"""Tables predicted on a Ray cluster, each by one task that reads, predicts and writes it whole.

Plain tasks and not Ray Data: it would carry nothing but names here, and has no order and no end of
a file, at which a result appears.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from threadpoolctl import threadpool_limits

from src.core.cluster import Reports, on_ray, ray_session
from src.core.parallel import usable_processors
from src.core.places import PlacedFile
from src.predict.bundle import read_bundle
from src.predict.job import BulkJob, Done, predict_one
from src.predict.predictor import Predictor
from src.predict.progress import BulkProgress


def predict_on_ray(
    predictor: Predictor,
    tables: Sequence[PlacedFile],
    job: BulkJob,
    workers: int | None,
    progress: BulkProgress,
) -> Iterator[Done]:
    """Yield the ends of tables, as they come.

    Args:
        workers: how many tables at once; None for one per processor.
    """
    with ray_session(workers or usable_processors()):
        names = ("bundle.json", *read_bundle(predictor.folder).files)
        bundle = {name: (predictor.folder / name).read_bytes() for name in names}
        reports = Reports()

        def show() -> None:
            for table, (done, of) in reports.take().items():
                progress.tell(table, done, of)

        make = partial(_worker, bundle, job, reports)
        yield from on_ray(make, tables, ordered=False, ahead=workers, each_second=show)


def _worker(
    bundle: dict[str, bytes], job: BulkJob, reports: Reports
) -> Callable[[PlacedFile], Done]:
    """Return what predicts a table in one thread, with the bundle loaded.

    Args:
        bundle: its files, which need not be on this machine.
    """
    # As many workers as processors; OMP_NUM_THREADS may have come along from the driver.
    os.environ["OMP_NUM_THREADS"] = "1"
    threadpool_limits(1)
    with TemporaryDirectory() as name:
        folder = Path(name)
        for file, content in bundle.items():
            (folder / file).parent.mkdir(exist_ok=True)
            (folder / file).write_bytes(content)
        predictor = Predictor(folder)
        predictor.load(ads=job.explain)

    def predict(table: PlacedFile) -> Done:
        tell = partial(reports.tell, table.place)
        return predict_one(predictor, job, table, lambda *how_far: tell(how_far))

    return predict

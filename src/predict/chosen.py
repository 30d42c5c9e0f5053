"""Which bundle a command uses: a folder, or a model of MLflow's registry."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from src.core.errors import UserError
from src.core.places import is_address
from src.predict.predictor import Predictor

_EXAMPLE = "models:/listings@champion"


def add_bundle_options(parser: argparse.ArgumentParser) -> None:
    """Add --bundle and --model, of which one may be given."""
    either = parser.add_mutually_exclusive_group()
    either.add_argument(
        "--bundle", type=path_option, default=Path("data/bundle"), metavar="FOLDER",
        help="the models, as the stage bundle writes them (default data/bundle)",
    )  # fmt: skip
    either.add_argument(
        "--model", metavar="ADDRESS",
        help=f"the models of a version in MLflow's registry, such as {_EXAMPLE}",
    )  # fmt: skip


def path_option(text: str) -> Path:
    """Read an option that is a path; raises ArgumentTypeError where it is none."""
    if not text:
        raise argparse.ArgumentTypeError("is empty; expected a path")
    try:
        # A shell leaves the ~ in --photos=~/ads as it is.
        return Path(text).expanduser()
    except RuntimeError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: there is no such home folder") from error


def place_option(text: str) -> str:
    """Read an option that is a path, or an address such as s3://bucket/folder."""
    if is_address(text):
        return text
    # A slash at the end says that it is a folder.
    return str(path_option(text)) + ("/" if text.endswith("/") else "")


@contextmanager
def chosen_predictor(options: argparse.Namespace) -> Iterator[Predictor]:
    """Yield the predictor that the options of `add_bundle_options` name.

    Raises:
        UserError: as `Predictor`; MLflow is missing, cannot be used, or has no such model.
    """
    if options.model is None:
        yield Predictor(options.bundle)
        return
    with TemporaryDirectory() as folder:
        yield Predictor(_download(options.model, Path(folder)))


def _download(address: str, folder: Path) -> Path:
    """Copy the bundle of a registered model into a folder; return where it is."""
    if not address.startswith("models:/"):
        raise UserError(f"--model {address}: expected an address such as {_EXAMPLE}")
    if find_spec("mlflow") is None:
        raise UserError("--model needs MLflow: pip install '.[pipeline]', or give --bundle")
    from src.predict import mlflow_store

    uri = mlflow_store.tracking_uri(Path.cwd())
    shown = mlflow_store.without_password(uri)
    mlflow_store.configure_mlflow()
    import mlflow

    try:
        if mlflow_store.is_new_file(uri):
            raise UserError(
                f"--model {address}: there is no MLflow store at {shown}; run this in the folder "
                "of the repository, or set MLFLOW_TRACKING_URI"
            )
        limited = mlflow_store.with_time_limits(uri)
        mlflow_store.require_connection(limited)
        mlflow.set_tracking_uri(limited)
        bundle = f"{address}/artifacts/bundle"
        return Path(mlflow.artifacts.download_artifacts(bundle, dst_path=str(folder)))
    except mlflow_store.store_errors() as error:
        raise UserError(
            f"--model {address}: MLflow at {shown} does not give it "
            f"({mlflow_store.reason_of(error)})"
        ) from error

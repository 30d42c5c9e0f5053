"""Artifacts follow the project: MLflow keeps whole addresses, also after a move or a copy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from src.predict.mlflow_store import local_path

# MLflow's tables with the address of an artifact or of a folder of them.
_ADDRESSES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)


def follow_project(uri: str, artifacts: Path) -> list[str]:
    """Point the addresses in the project's own database to its own folder of artifacts.

    MLflow has no command for this. Databases outside the project are left alone: several projects
    may share one.

    Args:
        uri: of the store.
        artifacts: the project's folder of artifacts, `mlartifacts`, as a whole path.

    Returns:
        The folders, as addresses, that artifacts were expected in before.

    Raises:
        SQLAlchemyError: the database cannot be read or changed.
    """
    from sqlalchemy import create_engine, inspect, make_url, text

    if not uri.startswith("sqlite:") or not (file := make_url(uri).database):
        return []
    if not Path(file).is_relative_to(artifacts.parent) or not Path(file).exists():
        return []
    here, engine = artifacts.as_uri(), create_engine(uri)
    try:
        tables = inspect(engine).get_table_names()
        if any(table not in tables for table, _ in _ADDRESSES):
            return []
        with engine.begin() as connection:
            places = connection.execute(text("SELECT artifact_location FROM experiments")).scalars()
            runs = connection.execute(text("SELECT artifact_uri FROM runs")).scalars().all()
            before = sorted(
                place for place in set(places)
                if place != here and _was_ours(place, runs, artifacts)
            )  # fmt: skip
            for place in before:
                for table, column in _ADDRESSES:
                    connection.execute(
                        text(
                            f"UPDATE {table} SET {column} = :here || substr({column}, :length + 1)"
                            f" WHERE {column} = :place OR substr({column}, 1, :length + 1) ="
                            " :place || '/'"
                        ),
                        {"here": here, "place": place, "length": len(place)},
                    )
    finally:
        engine.dispose()
    return before


def _was_ours(place: str, runs: Sequence[str], artifacts: Path) -> bool:
    """Whether a folder is gone, or the project holds its files: experiments may have others."""
    if place.rstrip("/").rpartition("/")[2] != artifacts.name:
        return False
    folder = local_path(place)
    if folder is None or not folder.exists():
        return folder is not None
    files = (local_path(run) for run in runs if run.startswith(f"{place}/"))
    return any(file and (artifacts / file.relative_to(folder)).exists() for file in files)

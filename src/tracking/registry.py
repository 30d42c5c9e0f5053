"""The bundle's versions in MLflow's model registry; the alias `champion` is the one in service."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from src.core.errors import UserError
from src.tracking.answers import ANSWERS, TrackedBundle, read_answers
from src.tracking.champion import Judgement, judge

if TYPE_CHECKING:
    import pandas as pd
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel
    from mlflow.entities.model_registry import ModelVersion

ALIAS = "champion"
MODEL_ID = "model_id"
# Set when a version's registration is complete.
_SETTLED = "settled"


def versions_of(client: MlflowClient, name: str) -> list[ModelVersion]:
    """Return the versions of a registered model, the newest first; [] where there is no model."""
    found = list(client.search_model_versions(f"name = '{name}'"))
    return sorted(found, key=lambda version: -int(version.version))


def champion_of(client: MlflowClient, name: str) -> str | None:
    """Return the number of the version that is the champion; None for none."""
    (model,) = client.search_registered_models(f"name = '{name}'") or [None]
    return str(model.aliases[ALIAS]) if model and ALIAS in model.aliases else None


def register(client: MlflowClient, model: LoggedModel, bundle: TrackedBundle) -> str:
    """Find the version of a logged model or create it; the better one becomes the champion.

    The alias is moved after all else, so a kill leaves the old champion. What was decided about a
    version stays, so that a champion which was put back by hand is not replaced by the same
    version again.

    Returns:
        What was decided, in words.
    """
    name, champion = bundle.name, champion_of(client, bundle.name)
    versions = versions_of(client, name)
    for version in versions:
        if version.tags.get(MODEL_ID) != model.model_id:
            continue
        if _SETTLED in version.tags or str(version.version) == champion:
            client.set_model_version_tag(name, version.version, _SETTLED, "true")
            return _sentence(name, version, champion)
        # Left by a process that was killed.
        client.delete_model_version(name, version.version)
    judgement = _judgement(client, bundle, champion)
    if not client.search_registered_models(f"name = '{name}'"):
        client.create_registered_model(name, description="Categories of marketplace listings")
    version = client.create_model_version(
        name,
        # The files themselves: MLflow looks up a logged model's id in a store of its own choice.
        source=model.artifact_location,
        run_id=model.source_run_id,
        model_id=model.model_id,
        tags={MODEL_ID: model.model_id, "better": str(judgement.better).lower()},
        description=judgement.why,
    )
    if judgement.better:
        client.set_registered_model_alias(name, ALIAS, version.version)
        champion = str(version.version)
    client.set_model_version_tag(name, version.version, _SETTLED, "true")
    return _sentence(name, version, champion)


def force(client: MlflowClient, name: str, number: str, because: str) -> None:
    """Make a version the champion, whatever the test says, and write the reason to the version.

    Raises:
        UserError: there is no such version.
    """
    versions = {str(version.version): version for version in versions_of(client, name)}
    if number not in versions:
        there = ", ".join(versions) or "none"
        raise UserError(f"{name} has no version {number}; it has {there}")
    before = champion_of(client, name) or "none"
    why = f"forced in place of {before}: {because}; before that: {versions[number].description}"
    client.update_model_version(name, number, description=why)
    client.set_registered_model_alias(name, ALIAS, number)


def _judgement(client: MlflowClient, bundle: TrackedBundle, champion: str | None) -> Judgement:
    if champion is None:
        return Judgement(True, "the first one")
    said = f"version {champion}"
    answers = _answers_of(client, bundle.name, champion)
    if answers is None:
        why = f"it was not compared with {said}, whose {ANSWERS} is missing or broken"
        return Judgement(False, why)
    return judge(bundle.answers, answers, said)


def _answers_of(client: MlflowClient, name: str, version: str) -> pd.DataFrame | None:
    """Read the answers that are logged with a version; None where there are none."""
    from mlflow.artifacts import download_artifacts, list_artifacts

    place, uri = client.get_model_version_download_uri(name, version), client.tracking_uri
    # Asked first, so that a store which fails is not taken for one without the file.
    files = list_artifacts(artifact_uri=place, tracking_uri=uri)
    if ANSWERS not in [PurePosixPath(file.path).name for file in files]:
        return None
    with TemporaryDirectory() as folder:
        artifact = f"{place}/{ANSWERS}"
        file = download_artifacts(artifact_uri=artifact, dst_path=folder, tracking_uri=uri)
        try:
            return read_answers(Path(file))
        except ValueError:
            return None


def _sentence(name: str, version: ModelVersion, champion: str | None) -> str:
    if str(version.version) == champion:
        return f"version {version.version} of {name} is the champion: {version.description}"
    stays = f"version {champion}" if champion else "none"
    return (
        f"version {version.version} of {name} is not the champion ({stays} is): "
        f"{version.description}; force it with `python -m src.tracking --force {version.version}`"
    )

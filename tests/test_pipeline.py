"""The graph of stages: what they depend on, what they import, and what `check` refuses."""

from __future__ import annotations

import importlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import dvc.api
import pytest
from dvc.utils.hydra import apply_overrides
from ruamel.yaml import YAML

from src.core.errors import UserError
from src.core.params import stage_params
from src.core.schema import TrainedImage
from src.core.schema.sources import Chosen
from tests.closure import import_closure

ROOT = Path(__file__).parents[1]
STAGES: dict[str, Any] = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]
# Files that a stage reads or ships without importing them.
READS = {
    "collect": ["src/collect/demo/*.toml", "src/collect/*.sql"],
    "report": ["src/report/page/*"],
    # The model that it logs is loaded by this file.
    "track": ["src/predict/pyfunc.py"],
}


def source_of(stage: str) -> set[str]:
    """Return the project's files on which the bytes that a stage writes depend."""
    content = STAGES[stage].get("do", STAGES[stage])
    source = import_closure(content["cmd"].split()[2].replace(".", "/") + ".py")
    for pattern in READS.get(stage, []):
        files = {str(path.relative_to(ROOT)) for path in ROOT.glob(pattern) if path.is_file()}
        assert files, f"no file of {stage} is called {pattern}"
        source |= files | {
            file for name in files if name.endswith(".py") for file in import_closure(name)
        }
    return source


@pytest.mark.parametrize("stage", STAGES)
def test_the_folders_of_a_stage_cover_its_imports_and_no_other_is_named(stage: str) -> None:
    content = STAGES[stage].get("do", STAGES[stage])
    named = [dep for dep in content["deps"] if dep.startswith(("src/", "stages/"))]
    assert named == sorted(set(named))
    assert all((ROOT / dep).exists() for dep in named)
    source = source_of(stage)
    for file in source:
        assert len([dep for dep in named if _covers(dep, file)]) == 1, f"{file} in {named}"
    for dep in named:
        assert any(_covers(dep, file) for file in source), f"{stage} imports nothing of {dep}"


def _covers(dep: str, file: str) -> bool:
    return Path(file).is_relative_to(dep)


def test_every_file_that_is_no_module_is_read_by_a_stage() -> None:
    """A file beside the modules that no list names would be an input that no test watches."""
    listed = {
        path for patterns in READS.values() for pattern in patterns for path in ROOT.glob(pattern)
    }
    others = {path for path in (ROOT / "src").rglob("*.*") if path.suffix not in (".py", ".pyc")}
    # No stage serves pages.
    assert {path for path in others if path.parent != ROOT / "src/pages/files"} <= listed


def test_the_closure_finds_late_imports_and_leaves_those_for_types_alone() -> None:
    found = import_closure("stages/weights_text.py")
    assert "src/encoders/weights/fetch.py" in found
    late = import_closure("stages/train_text.py")
    assert "src/encoders/text/tfidf.py" in late  # imported inside main
    assert all((ROOT / name).exists() for name in found | late)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository's code without its data and history."""
    copy = tmp_path_factory.mktemp("copy") / "repo"
    copy.mkdir()
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copy(ROOT / name, copy)
    for name in ("src", "stages"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / ".dvc").mkdir()
    shutil.copy(ROOT / ".dvc" / "config", copy / ".dvc")
    subprocess.run(["git", "init", "-q"], cwd=copy, check=True)
    return copy


def check(copy: Path, **changes: Any) -> subprocess.CompletedProcess[str]:
    """Run stage check with some of params.yaml changed, by dotted names with __ for a dot."""
    yaml = YAML()
    params = yaml.load(ROOT / "params.yaml")
    for name, value in changes.items():
        *path, last = name.split("__")
        section = params
        for key in path:
            section = section[key]
        section[last] = value
    yaml.dump(params, copy / "params.yaml")
    return subprocess.run(
        [sys.executable, "-m", "stages.check"], cwd=copy, capture_output=True, text=True
    )


def test_the_params_as_they_are_pass(copy: Path) -> None:
    done = check(copy)
    assert (done.returncode, done.stderr) == (0, "")
    assert (copy / "data" / "checked.json").exists()


def test_photos_that_are_packed_too_small_are_told_of(copy: Path) -> None:
    done = check(copy, weights="hub", pack__pixels=240)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    done = check(copy, weights="hub")
    told = "resnet50 reads photos of 224 px, and pack.pixels is 160: they will be enlarged"
    assert done.returncode == 0 and told in done.stdout
    assert "cnn" not in done.stdout


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": "vgg"}, "model is 'vgg'; expected one of cnn, efficientnet"),
        ({"text_model": "cnn"}, "text_model is 'cnn'; expected one of tfidf"),
        ({"fused_model": "cnn"}, "fused_model is 'cnn'; expected one of nn, logreg"),
        ({"rows__text": ["tfidf", "cnn"]}, "rows.text names 'cnn'; expected entries of"),
        ({"rows__fused": ["stack", "stack"]}, "rows: stack is there twice"),
        ({"weights": "online"}, "weights is 'online'; expected offline or hub"),
        ({"rows__text": "tfidf"}, "rows.text is 'tfidf'; expected a list"),
        ({"prepare__min_per_category": "abc"}, "prepare.min_per_category is 'abc'; expected a"),
        ({"prepare__parts__train": 0.9}, "prepare.parts: train 0.9 + val 0.2 + test 0.2 is 1.3;"),
        ({"seed": -1}, "seed is -1; expected a whole number from 0"),
        ({"pack__side": 64}, "pack.side is unknown; expected one of pixels"),
        ({"trainer__precison": "32-true"}, "trainer.precison is unknown; did you mean precision?"),
        ({"collect__avito__fetch": "no"}, "collect.avito.fetch is 'no'; expected true or false"),
        ({"fusion__knn__settings__neighbors": 5}, "fusion.knn.settings.neighbors is unknown; did"),
        (
            {"fusion__nn__settings__alpha": "abc"},
            "fusion.nn.settings is {'hidden_layer_sizes': [64], 'alpha': 'abc'",
        ),
        ({"fusion__knn__grid__n_neighbors": [0]}, "fusion.knn.grid.n_neighbors: settings is {"),
        ({"image_models__cnn": None}, "image_models.cnn is null; expected a section"),
        ({"trainer": {"accelerator": "cpu"}}, "trainer.precision is missing; add it (and 5 more)"),
    ],
    ids=[
        *("model", "text model", "fused model", "row", "duplicate", "weights", "word for a list"),
        *("word for a number", "sum", "range", "unknown key", "misspelled key", "boolean"),
        *(
            "setting of a head",
            "value of a setting",
            "value for the leaky row",
            "empty entry",
            "missing keys",
        ),
    ],
)
def test_what_cannot_work_is_refused_in_one_line(
    changes: dict[str, Any], message: str, copy: Path
) -> None:
    done = check(copy, **changes)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: params.yaml: {message}")
    assert done.stderr.count("\n") == 1


def test_make_run_refuses_wrong_params_before_dvc_reads_them(copy: Path) -> None:
    """A word in place of a list would make DVC fail with a cryptic line while it reads dvc.yaml."""
    check(copy, rows__text="tfidf")
    shutil.copy(ROOT / "Makefile", copy)
    tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    # The tests themselves may be run by make, which would number this one.
    outside = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    done = subprocess.run(
        ["make", "-o", ".venv/ready", "run"],
        cwd=copy, capture_output=True, text=True, env=outside | {"PATH": tools},
    )  # fmt: skip
    assert done.stdout.strip() == "python -m stages.check"
    ours, of_make = done.stderr.splitlines()
    assert ours == ("error: params.yaml: rows.text is 'tfidf'; expected a list")
    assert of_make.startswith("make: ***")


def test_a_stage_gets_the_parameters_that_dvc_would_give_it(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    # Other choices than by default, and a number that PyYAML would take for text.
    for old, new in (("stack", "knn"), ("offline", "hub"), ("0.003", "1e-4")):
        text = text.replace(f": {old}\n", f": {new}\n", 1)
    (copy / "params.yaml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(copy)
    # One of each way to declare them: sections, a row's, of a choice, of a row's choice.
    for stage in ("collect", "train_image@resnet50", "bundle", "weights_image@resnet50"):
        given = stage_params(stage).model_dump(exclude_unset=True, warnings=False)
        assert given == Chosen(dvc.api.params_show(stages=stage), "hub").content
    cnn = stage_params("train_image@cnn").image_models["cnn"]
    assert isinstance(cnn, TrainedImage)
    assert cnn.lr == 0.0001


def test_options_of_collect_are_refused_where_they_change_nothing(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(ROOT / "params.yaml", copy)
    monkeypatch.chdir(copy)
    monkeypatch.setattr(sys, "argv", ["collect.py", "--limit", "5"])
    with pytest.raises(UserError, match=r"collect\.source is demo; expected avito where options"):
        importlib.import_module("stages.collect").main()


def test_a_parameter_that_is_not_there_is_named(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(ROOT / "params.yaml", copy)
    monkeypatch.chdir(copy)
    with pytest.raises(
        UserError, match=r"^fuse has no row 'vote'; expected one of nn, logreg, knn"
    ):
        stage_params("fuse@vote")


def test_the_params_survive_being_rewritten_and_hold_no_interpolation(tmp_path: Path) -> None:
    # `dvc exp run -S` rewrites the file by this function.
    from dvc.utils.serialize import modify_yaml

    path = tmp_path / "params.yaml"
    before = (ROOT / "params.yaml").read_text(encoding="utf-8")
    path.write_text(before, encoding="utf-8")
    assert "${" not in before
    with modify_yaml(str(path)) as params:
        params["model"] = "resnet50"
    after = path.read_text(encoding="utf-8")
    assert "model: resnet50" in after.splitlines()
    comments = [re.findall(r"(?m)^ *#.*", text) for text in (before, after)]
    assert comments[0] == comments[1]
    one, two = (YAML(typ="safe").load(text) for text in (before, after))
    assert two == one | {"model": "resnet50"}
    # Block style: each value on a line of its own, so that git shows what an experiment changed.
    assert after.count("\n") == before.count("\n")
    assert not re.search(r": [\[{](?!\})", before)


def test_every_number_of_the_params_is_a_number_to_every_reader() -> None:
    import yaml

    # PyYAML takes 1e-4 for text, DVC for a number.
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    assert yaml.safe_load(text) == YAML(typ="safe").load(text)


def test_the_choices_are_rows_and_the_rows_are_entries() -> None:
    params = YAML(typ="safe").load(ROOT / "params.yaml")
    assert params["model"] in params["rows"]["image"]
    assert params["text_model"] in params["rows"]["text"]
    for kind, section in (("image", "image_models"), ("text", "text_models"), ("fused", "fusion")):
        assert set(params["rows"][kind]) <= set(params[section])


def test_the_lock_file_belongs_to_the_code_and_the_parameters(tmp_path: Path) -> None:
    """Whoever changed a stage has run it: without any data, DVC finds nothing to do."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout
    for name in filter(None, listed.split("\0")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, tmp_path / name)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    dvc = str(Path(sys.executable).with_name("dvc"))
    planned = subprocess.run(
        [dvc, "repro", "--dry", "--allow-missing"], cwd=tmp_path, capture_output=True, text=True
    )
    assert planned.returncode == 0, planned.stderr
    assert "Running stage" not in planned.stdout, planned.stdout


def test_trying_a_parameter_and_going_back_leaves_no_diff(tmp_path: Path) -> None:
    """DVC loses comments and blank lines that follow a list, so none may stand there."""
    path = tmp_path / "params.yaml"
    shutil.copyfile(ROOT / "params.yaml", path)
    for model in ("resnet50", "efficientnet"):
        apply_overrides(path, [f"model={model}"])
    assert path.read_bytes() == (ROOT / "params.yaml").read_bytes()

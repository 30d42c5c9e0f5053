"""A store that is down, does not answer, is locked or of another version: one line, no hang."""

from __future__ import annotations

import os
import socket
import sqlite3
import time
from pathlib import Path

import pytest
import requests
from filelock import Timeout
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import OperationalError

from src.predict.mlflow_store import (
    configure_mlflow,
    store_errors,
    tracking_uri,
    with_time_limits,
    without_password,
)
from src.tracking.rows import read_tracked_rows
from src.tracking.tracking import track
from tests.tracking.conftest import is_one_warning


def test_a_server_that_is_down(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://me:secret@127.0.0.1:{port}")
        line = track(read_tracked_rows(repo), "listings", repo)
    assert is_one_warning(line)
    assert "secret" not in line and f"127.0.0.1:{port}" in line


def test_a_server_that_does_not_answer(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{deaf.getsockname()[1]}")
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        started = time.monotonic()
        line = track(read_tracked_rows(repo), "listings", repo)
        assert time.monotonic() - started < 5
    assert is_one_warning(line) and "does not answer" in line


def test_a_database_that_is_locked(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    track([], "listings", repo)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{repo}/mlruns.db?timeout=1")
    with sqlite3.connect(repo / "mlruns.db") as other:
        other.execute("BEGIN EXCLUSIVE")
        line = track(read_tracked_rows(repo), "listings", repo)
        other.rollback()
    assert is_one_warning(line)


def test_a_user_of_a_database_is_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql+psycopg2://mlflow@127.0.0.1/mlflow")
    monkeypatch.setenv("PGPASSWORD", "quiet-word")
    assert without_password("mlflow ui said quiet-word") == "mlflow ui said ***"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://a-long-token@127.0.0.1:5000")
    assert without_password("a-long-token") == "***"


def test_a_database_of_another_version(repo: Path) -> None:
    track([], "listings", repo)
    with sqlite3.connect(repo / "mlruns.db") as other:
        other.execute("UPDATE alembic_version SET version_num = 'of_another'")
    # MLflow looks at the version once per file, so this must be another file.
    copy = repo / "copy"
    copy.mkdir()
    (repo / "mlruns.db").rename(copy / "mlruns.db")
    line = track(read_tracked_rows(repo), "listings", copy)
    assert is_one_warning(line) and "out-of-date database schema" in line


def test_a_relative_database_starts_at_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tracking_uri(tmp_path) == f"sqlite:///{tmp_path}/mlruns.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///runs/own.db")
    assert tracking_uri(tmp_path) == f"sqlite:///{tmp_path}/runs/own.db"
    for absolute in ("sqlite:////var/runs.db", "http://127.0.0.1:5000"):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", absolute)
        assert tracking_uri(tmp_path) == absolute


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("http://127.0.0.1:port", "Invalid"),
        ("http://[", "Invalid IPv6 URL"),
        ("unknown://store", "unsupported URI"),
        ("sqlite:////dev/null/runs.db", "/dev/null"),
        ("mysql+mysqldb://me:secret@127.0.0.1/runs", "No module named 'MySQLdb'"),
    ],
)
def test_an_address_without_a_store(
    uri: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    line = track([], "listings", tmp_path)
    assert is_one_warning(line) and reason in line and "secret" not in line


def test_only_named_errors_are_a_fault_of_the_store() -> None:
    expected = (MlflowException, requests.RequestException, OperationalError, Timeout)
    assert all(issubclass(error, store_errors()) for error in expected)
    assert not issubclass(Exception, store_errors())
    assert not issubclass(KeyError, store_errors())


def test_a_bug_is_not_taken_for_a_fault_of_the_store(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr("src.tracking.tracking.log_row", fail)
    with pytest.raises(KeyError):
        track(read_tracked_rows(repo), "listings", repo)


def test_the_user_s_limits_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "300")
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", raising=False)
    configure_mlflow()
    assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "300"
    assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "1"


def test_drivers_that_would_wait_without_end_get_time_limits() -> None:
    psycopg = with_time_limits("postgresql+psycopg2://me:p%40ss@host/runs")
    assert psycopg == "postgresql+psycopg2://me:p%40ss@host/runs?connect_timeout=10"
    pymysql = with_time_limits("mysql+pymysql://host/runs?read_timeout=99")
    assert pymysql.count("read_timeout") == 1
    assert "read_timeout=99" in pymysql and "connect_timeout=10" in pymysql
    for same in ("sqlite:////var/runs.db", "http://127.0.0.1:5000", "postgresql+pg8000://host/db"):
        assert with_time_limits(same) == same


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://me:secret@host:5000/", "http://host:5000/"),
        ("http://me:se@cret@host", "http://host"),
        ("http://me:se/cret@host", "http://host"),
        ("at 'postgresql://me:secret@a/b' and http://b", "at 'postgresql://a/b' and http://b"),
        ("postgresql://h/db?user=me&password=secret", "postgresql://h/db?user=me&password=***"),
        ("sqlite:////home/me@work/runs.db", "sqlite:////home/me@work/runs.db"),
    ],
)
def test_passwords_are_not_shown(text: str, shown: str) -> None:
    assert without_password(text) == shown


@pytest.mark.parametrize(
    ("address", "text", "shown"),
    [
        ("postgresql://me:ge/he@im:x1z@h:5/db", "literal: 'x1z@h:5'", "literal: '***@h:5'"),
        (
            "postgresql://me:ge he@h/db",
            "at postgresql://me:ge he@h/db",
            "at postgresql://me:***@h/db",
        ),
        ("http:/me:geheim@h", "Invalid url: http:/me:geheim@h", "Invalid url: http:/me:***@h"),
        ("me:geheim@h", "unsupported 'me:geheim@h'", "unsupported 'me:***@h'"),
        ("http://me:p%40ss%3Aw@h", "user p@ss:w, p%40ss%3Aw", "user ***, ***"),
        ("postgresql://postgres:postgres@h/db", "postgresql of postgres", "postgresql of ***"),
        ("sqlite:////home/me:you@work/runs.db", "you and work", "you and work"),
        ("http://h:5000", "h:5000", "h:5000"),
    ],
)
def test_the_user_s_password_is_nowhere(
    address: str, text: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    assert without_password(text) == shown
    for name in ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "t/o.k+n")
        assert without_password("Bearer t/o.k+n") == "Bearer ***"
        monkeypatch.delenv(name)

"""Servers of one's own on this machine, for tests and drills: S3, PostgreSQL and MLflow's."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from threading import Thread
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

BUCKET = "listings"
# Neither may ever be printed. An address needs the first one's signs quoted.
PASSWORD = "geheim/pa@ss:wört"
S3_SECRET = "secret-of-the-bucket"
# It may share its machine.
_START_S = 600.0


class NoPostgres(Exception):
    """Says why no PostgreSQL can be started here."""


@dataclass
class Bucket:
    """An S3 server with one bucket, in this process.

    Attributes:
        fails: says of a request's number, from 0 on, whether it is answered by 503.
        failed: how many were.
    """

    address: str
    fails: Callable[[int], bool] = lambda number: False
    requests: int = 0
    failed: int = 0

    @property
    def env(self) -> dict[str, str]:
        """What clients need to reach it."""
        return {
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": S3_SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": self.address,
            "MLFLOW_S3_ENDPOINT_URL": self.address,
        }

    def is_refused(self) -> bool:
        number, self.requests = self.requests, self.requests + 1
        refused = self.fails(number)
        self.failed += refused
        return refused


@contextmanager
def s3_bucket() -> Iterator[Bucket]:
    """Serve moto's S3 on 127.0.0.1, with the bucket BUCKET, which all of a process share."""
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        def log_request(self, *_: object) -> None:
            pass

    app = DomainDispatcherApplication(create_backend_app)

    def sometimes(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if bucket.is_refused():
            # A client that expects 100 sends nothing more.
            if "HTTP_EXPECT" not in environ:
                environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            start_response("503 Slow Down", [("Content-Length", "0"), ("Connection", "close")])
            return []
        answer: Iterable[bytes] = app(environ, start_response)
        return answer

    server = make_server("127.0.0.1", 0, sometimes, threaded=True, request_handler=Quiet)
    bucket = Bucket(f"http://127.0.0.1:{server.server_port}")
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        import boto3

        client = boto3.client(
            "s3", endpoint_url=bucket.address, region_name="us-east-1",
            aws_access_key_id="key", aws_secret_access_key=S3_SECRET,
        )  # fmt: skip
        client.create_bucket(Bucket=BUCKET)
        yield bucket
    finally:
        server.shutdown()


@dataclass
class Server:
    """A server in processes of its own, that can be killed and started again."""

    command: list[str]
    log: Path
    env: dict[str, str] = field(default_factory=dict)
    user: str | None = None
    process: subprocess.Popen[bytes] | None = None

    def start(self, answers: Callable[[], bool]) -> None:
        """Start it and wait until it answers."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, env=os.environ | self.env, stdout=log, stderr=log,
                start_new_session=True, user=self.user,
            )  # fmt: skip
        until = time.monotonic() + _START_S
        while not answers():
            if self.process.poll() is not None or time.monotonic() > until:
                self.kill()
                raise RuntimeError(f"{self.command[0]}: {self.log.read_text()[-2000:]}")
            time.sleep(0.1)

    def kill(self) -> None:
        """End all its processes at once, as a machine that goes down does."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class Postgres:
    """A PostgreSQL server with the database `mlflow`, for which clients need PASSWORD.

    Raises:
        NoPostgres: it is not installed.
    """

    def __init__(self) -> None:
        programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        initdb = str(programs[-1]) if programs else shutil.which("initdb")
        if initdb is None:
            raise NoPostgres("PostgreSQL's initdb is not installed")
        # It refuses to run as root.
        user = "postgres" if os.getuid() == 0 else None
        # Not in a test's own folder, which only root may enter.
        self.folder = Path(mkdtemp(prefix="postgres-", dir="/tmp"))
        if user:
            shutil.chown(self.folder, user)
        (self.folder / "password").write_text(PASSWORD + "\n", encoding="utf-8")
        self.data = self.folder / "data"
        subprocess.run(
            [initdb, "-D", str(self.data), "-U", "mlflow", "-A", "scram-sha-256",
             f"--pwfile={self.folder / 'password'}", "--no-sync", "-E", "UTF8", "--locale=C"],
            check=True, capture_output=True, user=user,
        )  # fmt: skip
        self.port = free_port()
        self.server = Server(
            [str(Path(initdb).with_name("postgres")), "-D", str(self.data),
             "-h", "127.0.0.1", "-p", str(self.port), "-k", str(self.folder)],
            self.folder / "log", user=user,
        )  # fmt: skip
        self.start()
        self._connect("postgres", "CREATE DATABASE mlflow")

    @property
    def uri(self) -> str:
        # By name, because without it SQLAlchemy 2.1 looks for psycopg 3.
        secret = quote(PASSWORD, safe="")
        return f"postgresql+psycopg2://mlflow:{secret}@127.0.0.1:{self.port}/mlflow"

    def start(self) -> None:
        self.server.start(self._answers)

    def kill(self) -> None:
        self.server.kill()

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self.folder)

    def _answers(self) -> bool:
        import psycopg2

        try:
            self._connect("postgres", "SELECT 1")
        except psycopg2.OperationalError:
            return False
        return True

    def _connect(self, database: str, statement: str) -> None:
        import psycopg2

        connection = psycopg2.connect(
            host="127.0.0.1", port=self.port, user="mlflow", password=PASSWORD, dbname=database
        )
        connection.autocommit = True
        connection.cursor().execute(statement)
        connection.close()


class MlflowServer:
    """`mlflow server` over a database and a bucket, as docs/machines.md sets it up."""

    def __init__(self, database: str, bucket: Bucket, log: Path) -> None:
        port = free_port()
        self.uri = f"http://127.0.0.1:{port}"
        self.server = Server(
            [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port),
             "--workers", "1", "--artifacts-destination", f"s3://{BUCKET}/mlflow"],
            log,
            # The address has a password, and anyone may read the arguments of a process.
            {**bucket.env, "MLFLOW_BACKEND_STORE_URI": database,
             "MLFLOW_DISABLE_TELEMETRY": "true",
             # Nothing here asks for jobs, and they take three processes more.
             "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        )  # fmt: skip

    def start(self) -> None:
        self.server.start(self._answers)

    def kill(self) -> None:
        self.server.kill()

    def _answers(self) -> bool:
        try:
            with urlopen(f"{self.uri}/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

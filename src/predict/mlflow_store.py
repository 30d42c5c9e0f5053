"""The MLflow store: its address, how long a request to it may take, what may be shown of it."""

from __future__ import annotations

import importlib
import logging
import os
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote, urlsplit

# Set unless the user sets them. MLflow's own limits add up to a quarter of an hour per request.
_SETTINGS = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    # A server may ask for a pause of any length.
    "MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # The links have the password of the address in them.
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
# The same for database servers: options of their drivers, in seconds. SQLite has limits of its own.
_POSTGRES = {"connect_timeout": "10"}
_MYSQL = {"connect_timeout": "10", "read_timeout": "30", "write_timeout": "30"}
_DRIVER_LIMITS = {
    "psycopg": _POSTGRES,
    "psycopg2": _POSTGRES,
    "mysqldb": _MYSQL,
    "pymysql": _MYSQL,
}
# What the clients of artifact stores raise, where they are installed: MLflow passes it on.
_ARTIFACT_ERRORS = (
    ("boto3.exceptions", "Boto3Error"),
    ("botocore.exceptions", "BotoCoreError"),
    ("botocore.exceptions", "ClientError"),
    ("google.cloud.exceptions", "GoogleCloudError"),
    ("azure.core.exceptions", "AzureError"),
)

_ADDRESS = "MLFLOW_TRACKING_URI"
_SECRETS = (
    *("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN", "PGPASSWORD"),
    *("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
)


def configure_mlflow() -> None:
    """Limit MLflow's requests in time and keep it quiet; call this before using MLflow."""
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    # MLflow sets the levels of its loggers when it is imported.
    import mlflow  # noqa: F401

    for name in ("mlflow", "alembic", "urllib3"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def store_errors() -> tuple[type[Exception], ...]:
    """Return what is raised where the store or its address is at fault."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    # OSError includes what requests and filelock raise; ImportError is a driver that is not
    # installed; ValueError is an address or a setting that cannot be parsed.
    errors = [MlflowException, SQLAlchemyError, OSError, ImportError, ValueError]
    for module, name in _ARTIFACT_ERRORS:
        try:
            errors.append(getattr(importlib.import_module(module), name))
        except ImportError:
            continue
    return tuple(errors)


def reason_of(error: Exception) -> str:
    """Return in one line, without passwords, why the store cannot be used."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    if "timed out" in text or "timeout" in text:
        text = f"the store does not answer: {text}"
    return without_password(text)[:300]


def tracking_uri(home: Path) -> str:
    """Return the store's address: MLFLOW_TRACKING_URI, or a SQLite file.

    A relative SQLite path starts at `home`.
    """
    uri = os.environ.get(_ADDRESS) or "sqlite:///mlruns.db"
    relative = re.fullmatch(r"sqlite:///([^/:].*)", uri)
    # Of an address only: a folder may be called 100%25 or "what?".
    folder = str(home.resolve()).replace("%", "%25").replace("?", "%3F")
    return f"sqlite:///{folder}/{relative[1]}" if relative else uri


def local_path(address: str) -> Path | None:
    """Return the folder at an address of artifacts; None where it is not on this machine."""
    parts = urlsplit(address)
    return Path(unquote(parts.path)) if parts.scheme in ("file", "") else None


def is_database(uri: str) -> bool:
    """Whether the store is a database that MLflow reads directly, not through its server."""
    from mlflow.store.db.db_types import DATABASE_ENGINES

    return re.split(r"[+:]", uri)[0] in DATABASE_ENGINES


def is_shared(uri: str) -> bool:
    """Whether the store is a server, which other machines may write to, and no SQLite file."""
    from sqlalchemy import make_url

    return not is_database(uri) or make_url(uri).get_backend_name() != "sqlite"


def with_time_limits(uri: str) -> str:
    """Add time limits to the address of a database server, where its driver has no short ones."""
    from sqlalchemy import make_url

    if not is_database(uri):
        return uri
    url = make_url(uri)
    limits = _DRIVER_LIMITS.get(url.get_driver_name(), {})
    missing = {name: limit for name, limit in limits.items() if name not in url.query}
    return url.update_query_dict(missing).render_as_string(hide_password=False) if missing else uri


def is_new_file(uri: str) -> bool:
    """Whether the store is an SQLite file that is not there yet."""
    from sqlalchemy import make_url

    if not is_database(uri):
        return False
    url = make_url(uri)
    file = url.database if url.get_backend_name() == "sqlite" else None
    return bool(file) and not Path(str(file)).exists()


def make_file_store(uri: str) -> None:
    """Make a new store in an SQLite file, whole or not at all.

    MLflow takes seconds to make its tables, and can do nothing with some of them.
    """
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
    from sqlalchemy import make_url

    if not is_new_file(uri):
        return
    url = make_url(uri)
    place = Path(str(url.database))
    place.parent.mkdir(parents=True, exist_ok=True)
    # A new name each time, for MLflow keeps what it has opened.
    with TemporaryDirectory(prefix=f".{place.name}.", dir=place.parent) as folder:
        beside = Path(folder) / place.name
        # The experiments of this project get places of their own.
        SqlAlchemyStore(url.set(database=str(beside)).render_as_string(), "./mlruns")
        beside.replace(place)


def require_connection(uri: str) -> None:
    """Connect to a database server once; raises SQLAlchemyError or ImportError.

    MLflow itself repeats a failed first connection for minutes.
    """
    from sqlalchemy import create_engine

    if is_database(uri) and is_shared(uri):
        engine = create_engine(uri)
        engine.connect().close()
        engine.dispose()


def without_password(text: str) -> str:
    """Take user names and passwords out of the addresses in a text.

    So are the passwords in the environment wherever they stand: of an address that is not quoted
    as it should be, drivers take a piece for the host and name it in their errors.
    """
    text = re.sub(r"://(?!/)[^\s'\"]*@", "://", text)
    text = re.sub(r"(?i)\b(\w*(?:password|passwd|pwd|token))=[^&\s'\"]*", r"\1=***", text)
    for secret in _secrets():
        text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", "***", text)
    return text


def _secrets() -> list[str]:
    """Return the passwords in the environment and their pieces, the longest first."""
    found = {os.environ.get(name, "") for name in _SECRETS}
    scheme, rest = re.findall(r"^([a-z][\w+.-]*:/+)?(.*)", os.environ.get(_ADDRESS, ""), re.S)[0]
    if not scheme.startswith(("sqlite", "file")):
        user, _, password = rest.rpartition("@")[0].partition(":")
        # A token stands in the user's place; a database has users, and they are no secrets.
        found |= {password or (user if scheme.startswith("http") else "")}
    found |= {unquote(secret) for secret in found}
    found |= {piece for secret in found for piece in re.split(r"[@/:?#\s]", secret)}
    # Of shorter ones nothing is given away, and they may be parts of any text.
    return sorted((secret for secret in found if len(secret) > 2), key=len, reverse=True)

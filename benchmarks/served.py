"""What an answer of the served model takes, alone and with many clients at once.

    python -m benchmarks.served listings.csv --photos images --bundle data/bundle

The bundle is written as an MLflow model and served as docs/own-data.md says. Listings with a photo
are asked about, each by its text and its photo: one after the other, then by all clients at once.
"""

from __future__ import annotations

import base64
import socket
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import requests

from src.predict.served import save_served_model

REQUIREMENTS = Path(__file__).parents[1] / "requirements.txt"
START_S, ANSWER_S = 300, 120
HEADER = """\
| what | median, ms | 95 of 100 below, ms | a second | errors |
| --- | --- | --- | --- | --- |"""


def main() -> None:
    parser = ArgumentParser(prog="python -m benchmarks.served", description=__doc__)
    parser.add_argument("table", type=Path, help="CSV with title, description, price, image")
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--bundle", type=Path, default=Path("data/bundle"))
    parser.add_argument("--requests", type=int, default=200, help="one after the other")
    parser.add_argument("--clients", type=int, default=20, help="at once")
    parser.add_argument("--each", type=int, default=10, help="requests of each of these")
    given = parser.parse_args()
    table = pd.read_csv(given.table, dtype=str, keep_default_na=False)
    asked = [asked_of(row, given.photos) for _, row in table[table["image"] != ""].iterrows()]
    print(HEADER)
    with served(given.bundle) as url:
        # The first answers come from memory that is new.
        for number in range(5):
            answer(url, asked[-number])
        show("one client", url, asked, given.requests, 1)
        show(f"{given.clients} clients", url, asked, given.each * given.clients, given.clients)


def asked_of(row: pd.Series, photos: Path) -> dict[str, str]:
    """Return a listing in the form of a request."""
    photo = base64.b64encode((photos / row["image"]).read_bytes()).decode()
    return {
        "title": row["title"], "text": row["description"], "price": row["price"], "photo": photo
    }  # fmt: skip


@contextmanager
def served(bundle: Path) -> Iterator[str]:
    """Serve a bundle; yield the address that answers.

    Raises:
        RuntimeError: the server has not come up; its last lines are given.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with TemporaryDirectory() as folder, (Path(folder) / "said").open("w+") as said:
        save_served_model(bundle, REQUIREMENTS, Path(folder) / "model")
        command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", f"{folder}/model"]
        options = ["--env-manager", "local", "--port", str(port)]
        server = subprocess.Popen([*command, *options], stdout=said, stderr=said)
        try:
            url, until = f"http://127.0.0.1:{port}", time.monotonic() + START_S
            while not _is_up(url):
                if server.poll() is not None or time.monotonic() > until:
                    said.seek(0)
                    raise RuntimeError(f"the server has not come up: {said.read()[-1000:]}")
                time.sleep(0.2)
            yield f"{url}/invocations"
        finally:
            # It ends its workers.
            server.terminate()
            server.wait()


def _is_up(url: str) -> bool:
    try:
        return requests.get(f"{url}/ping", timeout=5).ok
    except requests.RequestException:
        return False


def answer(url: str, listing: dict[str, str]) -> tuple[float, bool]:
    """Return the seconds that an answer takes, and whether it is one."""
    began = time.perf_counter()
    try:
        found = requests.post(url, json={"dataframe_records": [listing]}, timeout=ANSWER_S)
        good = found.ok and found.json()["predictions"][0]["used"].startswith("photo+text")
    except requests.RequestException:
        good = False
    return time.perf_counter() - began, good


def show(what: str, url: str, asked: list[dict[str, str]], number: int, clients: int) -> None:
    began = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        listings = (asked[n % len(asked)] for n in range(number))
        seconds, good = zip(*pool.map(lambda one: answer(url, one), listings), strict=True)
    rate = number / (time.perf_counter() - began)
    median, most = 1000 * np.quantile(seconds, [0.5, 0.95])
    errors = number - sum(good)
    print(f"| {what} | {median:.0f} | {most:.0f} | {rate:.3g} | {errors} |", flush=True)


if __name__ == "__main__":
    main()

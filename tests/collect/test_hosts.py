"""Which URLs are refused, before and while a connection is made."""

from __future__ import annotations

import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from src.collect.errors import FetchError, Unreachable
from src.collect.fetch import Fetcher
from src.collect.hosts import Hosts, PublicAdapter, public_addresses
from tests.collect.sites import CRAWL, site

HOSTS = Hosts(pages=("avito.ru",), photos=("img.avito.st",), local="127.0.0.1:8000")


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://www.avito.ru/moskva", "avito.ru"),
        ("https://12.img.avito.st/image/1/1.jpg", "img.avito.st"),
        ("https://img.avito.st:443/1.jpg", "img.avito.st"),
        ("http://127.0.0.1:8000/image/1.jpg", "127.0.0.1:8000"),
    ],
)
def test_allowed_hosts_and_their_subdomains_share_one_pace(url: str, allowed: str) -> None:
    assert HOSTS.site(url) == allowed


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/1.jpg",
        "https://img.avito.st.evil.example/1.jpg",
        "https://evilavito.ru/1.jpg",
        "https://img.avito.st@evil.example/1.jpg",
        "https://user@img.avito.st/1.jpg",
        "http://img.avito.st/1.jpg",
        "https://img.avito.st:22/1.jpg",
        "http://127.0.0.1:8001/1.jpg",
        "http://localhost:8000/1.jpg",
        "https://127.0.0.1:8000/1.jpg",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "ftp://img.avito.st/1.jpg",
        "https://[::1]/1.jpg",
        "https://[bad/1.jpg",
        "//img.avito.st/1.jpg",
        "",
    ],
)
def test_everything_else_is_refused(url: str) -> None:
    with pytest.raises(FetchError):
        HOSTS.site(url)


@pytest.mark.parametrize(
    "ip",
    ["127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.0.1", "169.254.169.254", "0.0.0.0", "::1",
     "100.64.0.1", "224.0.0.1", "fe80::1", "fc00::1", "::ffff:10.0.0.1", "2002:a00:1::1",
     "64:ff9b::a00:1"],
)  # fmt: skip
def test_a_name_in_a_private_network_is_refused(ip: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(host: str, port: int, **_: object) -> list[object]:
        public = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", port))
        return [public, (socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(FetchError, match="private network"):
        public_addresses("img.avito.st", 443)
    log: list[str] = []
    with (
        site(lambda _: (200, {}, b""), log),
        Fetcher(CRAWL, HOSTS) as fetcher,
        pytest.raises(FetchError, match="private network"),
    ):
        fetcher.photo("https://img.avito.st/1.jpg")
    assert log == []


def test_a_public_host_is_connected_to_by_its_ip(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def resolve(host: str, port: int, **_: object) -> list[object]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", port))]

    def connect(where: tuple[str, int], *_: object, **__: object) -> socket.socket:
        asked.append(where)
        raise OSError("no network")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr("urllib3.util.connection.create_connection", connect)
    monkeypatch.setattr("src.collect.fetch.wait_exponential_jitter", lambda **_: lambda state: 0)
    with (
        Fetcher(CRAWL, HOSTS) as fetcher,
        pytest.raises(Unreachable, match=r"robots\.txt could not be read \(connection failed\)"),
    ):
        fetcher.page("https://www.avito.ru/moskva")
    assert asked == ["www.avito.ru", ("93.184.216.34", 443)] * CRAWL.attempts


def test_plain_http_is_impossible(monkeypatch: pytest.MonkeyPatch) -> None:
    with Fetcher(CRAWL, HOSTS) as fetcher, pytest.raises(requests.exceptions.InvalidSchema):
        fetcher.session.get("http://img.avito.st/1.jpg")


def certificate(name: str, folder: Path) -> Path:
    """Write a self-signed certificate for a host name, and its key, into one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    content = key.private_bytes(pem, pkcs8, serialization.NoEncryption())
    path = folder / "host.pem"
    path.write_bytes(content + signed.public_bytes(pem))
    return path


def test_the_certificate_is_checked_for_the_name_though_the_ip_is_connected_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers["Host"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...

    pem = certificate("img.avito.st", tmp_path)
    server = HTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    # The first address refuses the connection, so the second is tried.
    monkeypatch.setattr("src.collect.hosts.public_addresses", lambda *_: ["127.9.9.9", "127.0.0.1"])
    port = server.server_address[1]
    try:
        with requests.Session() as session:
            session.trust_env = False
            session.mount("https://", PublicAdapter())
            url = f"https://img.avito.st:{port}/1.jpg"
            assert session.get(url, verify=str(pem), timeout=5).status_code == 204
            with pytest.raises(requests.exceptions.SSLError):
                session.get(f"https://www.avito.ru:{port}/", verify=str(pem), timeout=5)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert seen == [f"img.avito.st:{port}"]

"""Which URLs may be requested: https, allowed hosts, nothing inside a private network."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Any
from urllib.parse import urlsplit

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from src.collect.errors import FetchError, UnresolvedHost


@dataclass(frozen=True)
class Hosts:
    """The hosts that may be requested, including their subdomains.

    Attributes:
        pages: hosts of search pages.
        photos: hosts of photos.
        local: host and port of our own server on this machine, the only one that is requested
            over http and at a loopback address.
    """

    pages: tuple[str, ...]
    photos: tuple[str, ...]
    local: str | None = None

    def site(self, url: str) -> str:
        """Return the allowed host that a URL belongs to; one pace is kept for all of it.

        Raises FetchError for a URL that may not be requested.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise FetchError("URL cannot be parsed") from None
        if self.local is not None and parts.scheme == "http" and parts.netloc == self.local:
            return self.local
        for allowed in (*self.photos, *self.pages):
            if host == allowed or host.endswith(f".{allowed}"):
                break
        else:
            raise FetchError("host is not allowed")
        if parts.scheme != "https" or port not in (None, 443) or "@" in parts.netloc:
            raise FetchError("URL is not plain https")
        return allowed


class PublicAdapter(HTTPAdapter):
    """Connects over https, and to public addresses only, whatever a name resolves to."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"https": _PublicPool}


class _PublicConnection(HTTPSConnection):
    def connect(self) -> None:
        # Resolved once, checked, then connected to by IP: the name cannot change in between.
        self.server_hostname = name = self.host
        failed: Exception = UnresolvedHost(f"no address known for {name}")
        for ip in public_addresses(name, self.port):
            self.host = ip
            try:
                return super().connect()
            except (NewConnectionError, ConnectTimeoutError) as error:
                failed = error
            finally:
                self.host = name
        raise failed


class _PublicPool(HTTPSConnectionPool):
    ConnectionCls = _PublicConnection


def public_addresses(host: str, port: int) -> list[str]:
    """Resolve a host to IP addresses; raises FetchError if any of them is not public."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UnresolvedHost(f"no address known for {host}") from error
    ips = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not all(_is_public(ip) for ip in ips):
        raise FetchError("host is in a private network")
    return ips


def _is_public(ip: str) -> bool:
    address = ip_address(ip.split("%")[0])
    if isinstance(address, IPv6Address) and (
        # Tunnelled addresses contain an IPv4 address, which could be a private one.
        address.ipv4_mapped or address.sixtofour or address.teredo or ip.startswith("64:ff9b:")
    ):
        return False
    return address.is_global and not address.is_multicast

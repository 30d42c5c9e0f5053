"""Which addresses may be asked: https, hosts on a list, none that lead into a private network."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Any
from urllib.parse import urlsplit

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError
from urllib3.util.connection import create_connection


class FetchError(Exception):
    """An address that gave nothing usable; the message is a reason to count by."""

    def __init__(self, reason: str, status: int | None = None) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True)
class Hosts:
    """The hosts that may be asked, their subdomains included.

    Attributes:
        pages: hosts of search pages.
        photos: hosts of photos.
        own: host and port of a server of our own on this machine, the only one that is asked
            over http and at a loopback address.
    """

    pages: tuple[str, ...]
    photos: tuple[str, ...]
    own: str | None = None

    def site(self, address: str) -> str:
        """The entry of the lists that an address belongs to; one pace is kept for all of it.

        Raises FetchError for an address that may not be asked.
        """
        try:
            parts = urlsplit(address)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise FetchError("address cannot be read") from None
        if self.own is not None and parts.scheme == "http" and parts.netloc == self.own:
            return self.own
        for known in (*self.photos, *self.pages):
            if host == known or host.endswith(f".{known}"):
                break
        else:
            raise FetchError("host not among the allowed ones")
        if parts.scheme != "https" or port not in (None, 443) or "@" in parts.netloc:
            raise FetchError("address is not plain https")
        return known


class PublicAdapter(HTTPAdapter):
    """Connects over https, and to public addresses only, whatever a name resolves to."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"https": _PublicPool}


class _PublicConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        # Resolved once, checked, and then connected to by number: a name cannot change its mind.
        fault: Exception | None = None
        for number in public_addresses(self.host, self.port):
            try:
                return create_connection(
                    (number, self.port), self.timeout, socket_options=self.socket_options
                )
            except OSError as error:
                fault = error
        raise NewConnectionError(self, f"no connection to {self.host}: {fault}") from fault


class _PublicPool(HTTPSConnectionPool):
    ConnectionCls = _PublicConnection


def public_addresses(host: str, port: int) -> list[str]:
    """Resolve a host; raises FetchError when any of its addresses is not a public one."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unresolved(f"no address known for {host}") from error
    numbers = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not all(_is_public(number) for number in numbers):
        raise FetchError("host leads into a private network")
    return numbers


class Unresolved(OSError):
    """The name has no address, or there is no network to ask."""


def _is_public(number: str) -> bool:
    address = ip_address(number.split("%")[0])
    if isinstance(address, IPv6Address) and (
        # Tunnels carry an IPv4 address inside, which could be any.
        address.ipv4_mapped or address.sixtofour or address.teredo or number.startswith("64:ff9b:")
    ):
        return False
    return address.is_global and not address.is_multicast

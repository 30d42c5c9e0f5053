"""How a crawl that cannot go on says so."""

from __future__ import annotations

from src.collect.store import Store
from src.errors import UserError

WAIT = "wait some hours"
_CHECK = "check the network and the site"


def stopped(store: Store, address: str, what: str, advice: str = _CHECK) -> UserError:
    """One line: what happened, what is kept, what to do."""
    photos = store.photo_counts().get("stored", 0)
    return UserError(
        f"{address} {what}; stopped, {store.count()} listings and {photos} photos are kept in "
        f"{store.folder}; {advice}, then run the same command again: it goes on from here"
    )

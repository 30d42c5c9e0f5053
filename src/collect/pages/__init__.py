"""Pages of Avito, or shaped like them: bytes in, listings out, no network and no disk."""

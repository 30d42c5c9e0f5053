"""The columns that say what photo, text and price added to an answer."""

from __future__ import annotations

# By modality, in the order of MODALITIES of `src.fusion.shapley`, which is slow to import.
ADDED = {name: f"added_by_{name}" for name in ("photo", "text", "price")}

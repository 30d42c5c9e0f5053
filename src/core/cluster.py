"""Ray, for `engine: ray`: started on this machine, or the cluster that RAY_ADDRESS names."""

from __future__ import annotations

import logging
import os

from src.core.errors import UserError


def start_ray() -> None:
    """Connect to Ray, once; it is imported by no other module before this is called.

    Raises:
        UserError: Ray is not installed.
    """
    # Nothing is sent anywhere.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        raise UserError(
            "engine: ray needs Ray, which is not installed; run pip install "
            "'listing-classifier[cluster]', or set engine: local"
        ) from error
    if not ray.is_initialized():
        ray.init(include_dashboard=False, logging_level=logging.ERROR, log_to_driver=False)

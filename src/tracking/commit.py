"""Which commit a run belongs to."""

from __future__ import annotations

import subprocess


def commit_tags() -> dict[str, str]:
    """Return tags with the commit and whether code or parameters differ from it; {} without git."""
    # A run of the pipeline rewrites these itself, so they do not count as changes.
    results = [":!dvc.lock", ":!metrics"]
    try:
        head, changed = (
            subprocess.run(
                ["git", *command], check=True, capture_output=True, text=True, timeout=10
            ).stdout.strip()
            for command in (
                ["rev-parse", "HEAD"],
                ["status", "--porcelain", "--untracked-files=no", "--", ".", *results],
            )
        )
    except (OSError, subprocess.SubprocessError):
        return {}
    return {"mlflow.source.git.commit": head, "git.dirty": str(bool(changed)).lower()}

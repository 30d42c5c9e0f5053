"""What all sections of params.yaml share."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0, le=86_400)]
# Beyond these limits a penalty or a scale of distances leaves nothing to learn, or no precision.
Strength = Annotated[float, Field(ge=1e-6, le=1e6)]
# Far above any use, and below what overflows an array or never ends.
Count = Annotated[int, Field(ge=1, le=1_000_000)]
# A row's name becomes the name of folders and files.
_ROW = "[A-Za-z0-9][A-Za-z0-9_-]{0,63}"
RowName = Annotated[str, StringConstraints(pattern=f"^{_ROW}$")]
# '' where there are no rows to choose from.
ChosenRow = Annotated[str, StringConstraints(pattern=f"^({_ROW})?$")]
Inputs = Literal["features", "probs", "both"]
Imbalance = Literal["weights", "sampler", "none"]


def written_in_full(path: str) -> str:
    """Return the path; raises ValueError if it begins with ~."""
    if path.startswith("~"):
        raise ValueError("expected a path without ~, which DVC does not expand: write it out")
    return path


# A folder that DVC watches.
Folder = Annotated[str, Field(min_length=1), AfterValidator(written_in_full)]


class Section(BaseModel):
    """A part of params.yaml: no unknown keys, no value of another type, no change afterwards."""

    # Built when first used: a prediction reads one of them, and should not wait for all.
    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, defer_build=True
    )


class KeyFault(ValueError):
    """A fault of one key that only a check of its whole section finds."""

    def __init__(self, key: str, message: str) -> None:
        """Take the key below the section, e.g. `settings.C`, and what follows it in the message."""
        super().__init__(f"{key} {message}")
        self.key, self.message = key, message


def require_sum_at_most_1(section: Section, names: tuple[str, ...]) -> None:
    """Raise ValueError if the shares with these names add up to more than 1."""
    total = sum(getattr(section, name) for name in names)
    if total > 1:
        raise ValueError(f"{' + '.join(names)} is {total:g}; expected at most 1: lower one of them")

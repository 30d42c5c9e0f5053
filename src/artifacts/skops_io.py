"""skops without PyTorch."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


def skops_io() -> Any:
    """Return the module `skops.io`.

    Its import imports every module of scikit-learn; one of them would bring PyTorch, three seconds
    that a stage without networks does not need.
    """
    name = "sklearn.externals.array_api_compat.torch"
    stand_in = None if "torch" in sys.modules else sys.modules.setdefault(name, ModuleType(name))
    import skops.io

    if stand_in is not None:
        del sys.modules[name]
    return skops.io

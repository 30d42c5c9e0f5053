"""Equal bytes on unequal x86-64 machines: what `portable: true` sets before a library is loaded."""

from __future__ import annotations

import os
from pathlib import Path

# With these, processors that have AVX2 and FMA gave the same bytes in all that was compared, no
# matter who made them (docs/gpu-and-machines.md). Each library reads its own when it is loaded.
PINS = {
    # PyTorch's own kernels, and oneDNN's for convolutions.
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    # MKL, which multiplies matrices for PyTorch: AVX2 would do on Intel's processors, but on others
    # it takes another way.
    "MKL_CBWR": "COMPATIBLE",
    # OpenBLAS inside numpy and scipy; numpy's exponentials and logarithms.
    "OPENBLAS_CORETYPE": "Haswell",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    # Sums are cut by the number of threads.
    "OMP_NUM_THREADS": "2",
    "MKL_NUM_THREADS": "2",
    "OPENBLAS_NUM_THREADS": "2",
}


def pin_if_portable() -> None:
    """Set PINS where params.yaml of the current folder says `portable: true`.

    Call it before numpy, scipy or torch is imported.
    """
    from ruamel.yaml import YAML, YAMLError

    try:
        params = YAML(typ="safe").load(Path("params.yaml"))
    except (OSError, YAMLError):
        # The stage itself will say what is wrong with the file.
        return
    if isinstance(params, dict) and params.get("portable") is True:
        os.environ.update(PINS)

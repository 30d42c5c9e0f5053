"""A network of PyTorch as files that OpenVINO reads."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from src.core.errors import UserError
from src.encoders.common.converted import CONVERTED, ConvertedNetwork, no_telemetry

# The largest difference to PyTorch's features, relative to their size. Some 1e-5 were seen.
LARGEST_RELATIVE_ERROR = 1e-4


def convert(
    network: nn.Module, examples: Sequence[Tensor], sizes: Sequence[Sequence[int]], out: Path
) -> None:
    """Write features.xml and features.bin into the folder `out`; equal networks give equal bytes.

    Args:
        network: its forward turns the inputs into features [B, D]; on the CPU, ready to score.
        examples: the inputs for B listings, on which the result is compared with the network.
        sizes: of each input; -1 for what may vary.

    Raises:
        UserError: the network has a layer that OpenVINO lacks, or gives other features there.
    """
    with no_telemetry(), warnings.catch_warnings():
        # The converter traces the network, which PyTorch calls deprecated.
        warnings.simplefilter("ignore")
        import openvino

        try:
            shapes = [openvino.PartialShape(list(size)) for size in sizes]
            model = openvino.convert_model(network, example_input=tuple(examples), input=shapes)
        except Exception as error:
            reason = str(error).partition("\n")[0] or type(error).__name__
            raise UserError(
                f"the network cannot be converted for OpenVINO ({reason}); choose another network"
            ) from error
    # The converter's own names contain a counter of earlier conversions.
    model.set_friendly_name("features")
    for number, layer in enumerate(model.get_ordered_ops()):
        layer.set_friendly_name(str(number))
    with torch.inference_mode():
        exact = network(*examples)
    for half in dict.fromkeys((_is_half(network), False)):
        openvino.save_model(model, out / CONVERTED, compress_to_fp16=half)
        found = ConvertedNetwork(out).features(*(x.numpy() for x in examples))
        difference = float((torch.from_numpy(found) - exact).norm() / exact.norm())
        if difference <= LARGEST_RELATIVE_ERROR:
            return
    raise UserError(
        f"converted for OpenVINO, the network gives features that differ by {difference:.2g} of "
        f"their size; expected at most {LARGEST_RELATIVE_ERROR}: choose another network"
    )


def _is_half(network: nn.Module) -> bool:
    """Return whether all weights came from 16 bits, which then hold them in half the space.

    Numbers that the converter has multiplied may need more; then 32 bits are taken after all.
    """
    return all(torch.equal(w.half().to(w.dtype), w) for w in network.parameters())

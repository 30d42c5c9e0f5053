"""Fitting leaves nothing behind but the first of the best epochs."""

from __future__ import annotations

import logging
import os
import signal
import tempfile
import warnings
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from src.core.schema import EpochSettings, Trainer
from src.encoders.common.fit import fit

TRAINER = Trainer(
    accelerator="cpu", precision="32-true", features="torch", workers=0, devices=1, nodes=1
)


def fit_what_is_right_already() -> tuple[nn.Linear, list[Tensor]]:
    """Fit for 3 epochs a network whose F1 on val is 1 in each; return its weights at each val."""
    y = torch.arange(64) % 2
    x = nn.functional.one_hot(y).float()
    network = nn.Linear(2, 2)
    nn.init.eye_(network.weight)
    nn.init.zeros_(network.bias)
    seen: list[Tensor] = []
    network.register_forward_pre_hook(
        lambda module, _: None if module.training else seen.append(module.weight.detach().clone())
    )
    settings = EpochSettings(
        folds=0, batch=16, epochs=3, patience=3, lr=0.01, weight_decay=0.0, dropout=0.0,
        imbalance="none",
    )  # fmt: skip
    train, val = (DataLoader(TensorDataset(x, y), batch_size=size) for size in (16, 64))
    curves = fit(network, train, val, y.numpy(), 2, settings, TRAINER, "right already")
    assert curves["val_f1_macro"].tolist() == [1.0] * 3
    assert len(seen) == 3
    return network, seen


def test_of_equally_good_epochs_the_first_is_kept() -> None:
    network, seen = fit_what_is_right_already()
    assert torch.equal(network.weight, seen[0])
    assert not torch.equal(seen[0], seen[1])


def test_no_checkpoint_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    fit_what_is_right_already()
    assert list(tmp_path.iterdir()) == []


def test_logging_and_warnings_are_as_before() -> None:
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    before = [logger.level for logger in loggers], list(warnings.filters)
    fit_what_is_right_already()
    assert ([logger.level for logger in loggers], list(warnings.filters)) == before


def test_lightning_notes_and_advice_are_hidden(
    capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    fit_what_is_right_already()
    assert capfd.readouterr() == ("", "")
    assert [str(warning.message) for warning in recwarn] == []


def test_a_terminated_fit_does_not_end_as_if_it_were_done(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(nn.Linear, "forward", _terminated)
    with pytest.raises(SystemExit) as end:
        fit_what_is_right_already()
    assert end.value.code == 128 + signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) == before


def _terminated(self: nn.Linear, x: Tensor) -> Tensor:
    os.kill(os.getpid(), signal.SIGTERM)
    return nn.functional.linear(x, self.weight, self.bias)

"""Which kernels run, and how to say so."""

import os
import subprocess
import sys

import pytest
import torch

from lowrank_core import kernels
from lowrank_core.errors import ArgumentError

TENSOR = torch.zeros(1, dtype=torch.float64)


def loaded(choice):
    code = "import torch; from lowrank_core import kernels; print(kernels.compiled(torch.zeros(1).double()))"
    environment = os.environ | {kernels.CHOICE_VARIABLE: choice}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)


def test_an_environment_variable_switches_compiled_kernels_off():
    assert loaded("torch").stdout.strip() == "False"


def test_an_unknown_choice_is_refused_wherever_it_is_made():
    assert "LOWRANK_KERNELS = 'fortran': no such kernels" in loaded("fortran").stderr
    with pytest.raises(ArgumentError, match="choice = 'fortran'"), kernels.using("fortran"):
        pass


def test_a_choice_ends_with_its_block():
    before = kernels.compiled(TENSOR)
    with kernels.using("torch"):
        assert not kernels.compiled(TENSOR)
        assert "switched off" in kernels.report()["CPU"]
    assert kernels.compiled(TENSOR) == before


def test_float32_and_tensors_with_gradients_are_left_to_torch():
    assert not kernels.compiled(TENSOR.float())
    assert not kernels.compiled(TENSOR.clone().requires_grad_())

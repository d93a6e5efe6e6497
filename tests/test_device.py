"""An explicit device or dtype is kept; "auto" takes what is there."""

import contextlib

import pytest
import torch

from lowrank_core.device import device_class, resolve_device, resolve_dtype, single_thread, threads


@pytest.fixture
def one_card(monkeypatch):
    """A torch that says it sees one CUDA device; nothing is computed on it."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)


@pytest.fixture
def no_card(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


def test_auto_without_cuda_is_the_cpu(no_card):
    assert resolve_device("auto") == torch.device("cpu")


@pytest.mark.parametrize("asked", ["cpu", torch.device("cpu")])
def test_the_cpu_is_kept_where_there_is_cuda(one_card, asked):
    assert resolve_device(asked) == torch.device("cpu")


@pytest.mark.parametrize("asked", ["auto", "cuda", "cuda:0", torch.device("cuda")])
def test_cuda_names_the_card_as_its_tensors_do(one_card, asked):
    # A tensor made on "cuda" says that it lives on "cuda:0", and torch holds the two names for different.
    assert resolve_device(asked) == torch.device("cuda:0")


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_dtypes_by_name_and_as_they_are(dtype):
    assert resolve_dtype(str(dtype).removeprefix("torch.")) is dtype
    assert resolve_dtype(dtype) is dtype


def test_float64_is_the_default():
    assert resolve_dtype() is torch.float64


def test_results_on_the_cpu_depend_on_no_model():
    assert device_class(torch.device("cpu")) == "cpu"


def test_single_thread_gives_the_threads_back_even_after_an_error():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    seen = []
    try:
        with contextlib.suppress(ZeroDivisionError), single_thread():
            seen.append(threads()["torch"])
            raise ZeroDivisionError
        seen.append(threads()["torch"])
    finally:
        torch.set_num_threads(before)
    assert seen == [1, 2]

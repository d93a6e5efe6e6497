"""One shape of error for every bad argument: its name, its value, what is wrong and how to mend it."""

from __future__ import annotations

from collections.abc import Mapping

import torch


class ArgumentError(ValueError):
    """An argument that cannot be used.

    The message always names the argument, shows its value, says what is wrong and what to do instead.
    """

    def __init__(self, argument: str, value: object, problem: str, fix: str) -> None:
        self.argument, self.value, self.problem, self.fix = argument, value, problem, fix
        super().__init__(f"{argument} = {value!r}: {problem}. Fix: {fix}.")

    def __reduce__(self) -> tuple[type, tuple[str, object, str, str]]:
        # Exceptions are rebuilt from their message alone, which would lose errors of worker processes.
        return type(self), (self.argument, self.value, self.problem, self.fix)

    def renamed(self, names: Mapping[str, str]) -> ArgumentError:
        """The same error by the name that the caller knows the argument by, where a helper has another for it."""
        return ArgumentError(names.get(self.argument, self.argument), self.value, self.problem, self.fix)


class UnseenWarning(UserWarning):
    """Measurements that leave a part of the matrix out, where nothing that is predicted comes from the data."""


def install(extra: str) -> str:
    """The command that brings an optional part; the package is on no index, so it works in a clone."""
    return f"in a clone of the repository: pip install -e '.[{extra}]'"


def require(condition: bool, argument: str, value: object, problem: str, fix: str) -> None:
    """Raise `ArgumentError` unless `condition` holds."""
    if not condition:
        raise ArgumentError(argument, value, problem, fix)


def require_kind(
    argument: str,
    tensor: torch.Tensor,
    dtype: torch.dtype,
    device: torch.device,
    owner: str,
    fix: str = "make both with the same device and dtype",
) -> None:
    """Raise `ArgumentError` unless `tensor` has this dtype and device, which are those of what `owner` says."""
    if tensor.dtype != dtype or tensor.device != device:
        raise ArgumentError(
            argument, (tensor.dtype, str(tensor.device)), f"{owner} on {device} in {dtype}", fix
        )


def require_finite(argument: str, tensor: torch.Tensor) -> None:
    """Raise `ArgumentError` if `tensor` holds NaN or inf, saying how many and where the first one is."""
    # A sum that is finite has finite terms, and is found in a fraction of the time.
    if bool(torch.isfinite(tensor.sum())):
        return
    bad = ~torch.isfinite(tensor)
    if bool(bad.any()):
        first = tuple(int(i) for i in bad.nonzero()[0])
        raise ArgumentError(
            argument,
            f"tensor of shape {tuple(tensor.shape)}",
            f"it holds {int(bad.sum())} NaN or inf entries, the first at index {first}",
            "remove or replace these entries before solving",
        )

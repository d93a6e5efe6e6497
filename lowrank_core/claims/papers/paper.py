"""What a paper says: its claims in our own words, its experiments, and which claims of the book answer them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from lowrank_core.claims.claim import Known
from lowrank_core.errors import require

Repeated = Literal["reproduced", "not reproduced", "in kind", "not run"]
"""With the parameters that the paper prints, chosen where it prints none, and all that it shows came out, or not
all; with others; not at all."""


@dataclass(frozen=True)
class Said:
    """One thing that a paper asserts.

    Attributes:
        text: the assertion, in our own words and in the paper's order of magnitude; no praise and no plans.
        where: where it stands: "abstract", "Theorem 22, p. 22".
        known: whether it was read there, or is restated from work that quotes or discusses it.
        answers: ids of the claims that try it.
        questioned: ids of the claims whose finding stands against it, as it is worded there.
        remark: what the verdicts leave open; where there are none, why it is not tested.
    """

    text: str
    where: str
    known: Known = "read"
    answers: tuple[str, ...] = ()
    questioned: tuple[str, ...] = ()
    remark: str = ""

    def __post_init__(self) -> None:
        require(self.known in get_args(Known), "known", self.known, "unknown value", "use read or restated")
        require(
            bool(self.claims or self.remark),
            "answers",
            self.text,
            "nothing answers it, and nothing says why",
            "name claims, or say in `remark` why it is not tested",
        )
        _once(self.claims, self.text)

    @property
    def claims(self) -> tuple[str, ...]:
        """Ids of all claims that have a say in it."""
        return self.answers + self.questioned

    @property
    def in_abstract(self) -> bool:
        return self.where.startswith("abstract")


@dataclass(frozen=True)
class Experiment:
    """A published experiment.

    Attributes:
        where: "Figure 1a, p. 4".
        text: what is shown, with the parameters that the paper prints.
        repeated: see `Repeated`.
        claims: ids of the claims that repeat it.
        stored: names of stored runs of it, see `lowrank_core.artefacts`.
        remark: what was taken where the paper prints nothing, or why it is not run.
        known: whether the paper was read, or the experiment is known from others.
    """

    where: str
    text: str
    repeated: Repeated
    claims: tuple[str, ...] = ()
    stored: tuple[str, ...] = ()
    remark: str = ""
    known: Known = "read"

    def __post_init__(self) -> None:
        require(
            self.repeated in get_args(Repeated),
            "repeated",
            self.repeated,
            "unknown value",
            f"use one of {get_args(Repeated)}",
        )
        run = self.repeated != "not run"
        require(
            bool(self.claims) if run else bool(self.remark) and not self.claims + self.stored,
            f"experiment {self.where}",
            self.repeated,
            "an experiment that is repeated has claims, and one that is not says why",
            "name claims, or say in `remark` why it is not run",
        )
        _once(self.claims, self.where)


@dataclass(frozen=True)
class Paper:
    """A paper on trial.

    Attributes:
        key: its key in the bibliography, with which the ids of its claims begin.
        authors: as in a text, "Ma and Fattahi".
        year: of the version cited.
        title: of the version cited.
        arxiv: number on arXiv.
        doi: the publisher's, or else that of arXiv.
        versions: which versions there are, and which one is meant.
        read: what of it was read.
        says: what it asserts, the abstract first.
        experiments: what it shows of runs.
        seed: whether the book is built on it; then the whole abstract is answered.
    """

    key: str
    authors: str
    year: int
    title: str
    arxiv: str
    doi: str
    versions: str
    read: str
    says: tuple[Said, ...]
    experiments: tuple[Experiment, ...] = ()
    seed: bool = False

    def __post_init__(self) -> None:
        require(bool(self.read), f"paper {self.key}: read", self.read, "it is empty", "say what was read")
        for said in self.says:
            require(
                bool(said.claims) or not (self.seed and said.in_abstract),
                f"paper {self.key}: abstract",
                said.text,
                "no claim answers it",
                "a seed paper's abstract is answered in full: name a claim",
            )

    @property
    def name(self) -> str:
        """As it is cited in a text."""
        return f"{self.authors} ({self.year})"

    @property
    def claims(self) -> list[str]:
        """Ids of all claims that its page lists as answers or repetitions, each once."""
        named = [said.claims for said in self.says] + [shown.claims for shown in self.experiments]
        return list(dict.fromkeys(claim_id for ids in named for claim_id in ids))


def _once(ids: Sequence[str], where: str) -> None:
    require(len(ids) == len(set(ids)), where, ids, "a claim is named twice", "name it once")

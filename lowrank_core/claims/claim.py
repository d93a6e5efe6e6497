"""What a claim is: a statement, criteria declared before the run, and controls that must break them."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Literal, get_args

import torch

from lowrank_core.claims import standing
from lowrank_core.claims.criterion import Criterion
from lowrank_core.claims.edges import Edge, edge, refused
from lowrank_core.claims.evidence import Evidence
from lowrank_core.claims.sizes import scales, unstorable
from lowrank_core.errors import require

__all__ = ["Claim", "Criterion", "Edge", "Evidence", "Setting", "edge", "refused"]

Kind = Literal["identity", "bound-upper", "bound-lower", "tight", "rate", "ordering", "existence"]
Origin = Literal["paper", "sharpened", "ours"]
"""Whose it is: the source's own; the source's with a constant, exponent or condition derived here; ours."""
Known = Literal["read", "restated"]
"""How the source's statement is known: read in its text, or restated from its abstract and from quotations."""
Scale = Literal["smoke", "book", "full"]
Verdict = Literal["holds", "refuted", "inconclusive"]
Fit = Literal["instantiates", "illustrates"]
Means = Literal["symbolic", "exact", "ball", "dual"]
"""How a machine certifies a statement: identities between symbols; exact rationals or integers; enclosures by balls
or intervals; a bound that any multipliers prove, evaluated at those of a semidefinite program."""

# One violation refutes these; the others speak of typical behaviour and are refuted by intervals.
UNIVERSAL_KINDS = ("identity", "bound-upper", "bound-lower")
# A window that is wide says little about these; an ordering or an existence is a statement of its own.
SHARP_KINDS = ("identity", "tight", "rate")
# These kinds must be tried at edges.
EDGE_KINDS = (*UNIVERSAL_KINDS, "tight", "rate")
MIN_BOOK_SEEDS = 8
# Module -> the extra of this package that installs it.
EXTRAS = {"scipy": "flow", "cvxpy": "sdp"}


@dataclass(frozen=True)
class Setting:
    """What a claim's function is run with.

    Attributes:
        seeds: seeds of all random draws.
        sizes: the numbers declared for the scale, as attributes.
        device: where to compute; dtype is float64 in every claim.
    """

    seeds: tuple[int, ...]
    sizes: SimpleNamespace
    device: torch.device

    def assume(self, condition: bool, hypothesis: str, value: object = None) -> None:
        """Refuse sizes outside a hypothesis of the statement, by its name.

        Args:
            value: what the sizes are; by default all of them.

        Raises:
            OutsideHypotheses: `condition` does not hold.
        """
        standing.assume(condition, hypothesis, vars(self.sizes) if value is None else value)


@dataclass(frozen=True)
class Claim:
    """A claim, as declared by the decorator `claim`. All of it stands before anything runs.

    Attributes:
        id: "paper.slug".
        title: a short name for tables.
        reference: theorem, equation or section of the paper, and what in the claim is not from there.
        states: labels of the numbered statements of its chapter that it puts on trial, see `statements`; they hold
            every hypothesis that the notation page does not assume for all.
        origin: whose statement it is, see `Origin`.
        known: how the source's statement is known; None where there is none, for a statement of ours.
        kind: selects how a violation counts, see `UNIVERSAL_KINDS`.
        criteria: what must be measured, on every variant and every seed.
        control: which hypothesis each control drops; it must violate every criterion but those that say why none
            can break them.
        positive: where the criteria must be met although the claim itself fails; a claim that is expected to be
            refuted needs one, or its refutation might be the experiment's fault. It may then lack a control.
        seeds: number of seeds for each scale.
        sizes: the numbers of each scale, see `grammar.scales`; none where the seeds alone choose the instances.
        edges: sizes at which it must hold untuned, and sizes that it must refuse.
        edgeless: why it has no edges, e.g. that it has no sizes.
        waives: names of standing assumptions that the statement does not make, see `standing`.
        uses: ids of claims that this one rests on.
        chapter: the page it stands in.
        expected: the verdict the book expects.
        fit: "instantiates" if the theorem's hypotheses are met at this size, else "illustrates".
        certified_by: how a machine certifies the statement, or the instances that run; empty if it is measured.
        needs: modules beyond torch and numpy without which it cannot run; `EXTRAS` says how to install them.
        discrepancy: what differs from the source, quoting `Evidence.notes` by name; for the log.
    """

    id: str
    title: str
    reference: str
    kind: Kind
    criteria: tuple[Criterion, ...]
    seeds: Mapping[str, int]
    chapter: str
    function: Callable[[Setting], Evidence]
    sizes: Mapping[str, Mapping[str, Any]] = field(default_factory=scales)
    states: tuple[str, ...] = ()
    origin: Origin = "ours"
    known: Known | None = None
    control: str = ""
    positive: str = ""
    edges: tuple[Edge, ...] = ()
    edgeless: str = ""
    waives: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    expected: Verdict = "holds"
    fit: Fit = "instantiates"
    certified_by: tuple[Means, ...] = ()
    needs: tuple[str, ...] = ()
    discrepancy: str | None = None

    @property
    def broken(self) -> tuple[str, ...]:
        """The quantities whose criterion the control must violate on every seed."""
        return tuple(c.quantity for c in self.criteria if not c.uncontrolled) if self.control else ()

    @property
    def quoted(self) -> list[str]:
        """Names of the notes that the discrepancy quotes."""
        return [
            name for _, name, _, _ in string.Formatter().parse(self.discrepancy or "") if name is not None
        ]

    def __post_init__(self) -> None:
        def declared(condition: bool, argument: str, value: object, problem: str, fix: str) -> None:
            require(condition, f"claim {self.id}: {argument}", value, problem, fix)

        names = [criterion.quantity for criterion in self.criteria]
        declared(
            re.fullmatch(r"[^.]+\.[^.]+", self.id) is not None,
            "id",
            self.id,
            "ids read paper.slug",
            "join the key of the paper and a slug by the only dot",
        )
        declared(bool(names), "criteria", names, "a claim needs a criterion", "declare at least one")
        declared(
            len(names) == len(set(names)),
            "criteria",
            names,
            "two criteria speak of one quantity",
            "give one range for each quantity",
        )
        every = set(get_args(Scale))
        declared(
            set(self.seeds) == every and set(self.sizes) == every,
            "seeds, sizes",
            (sorted(self.seeds), sorted(self.sizes)),
            "every scale needs seeds and sizes",
            "declare smoke, book and full",
        )
        for sizes in (*self.sizes.values(), *(place.sizes for place in self.edges)):
            unfit = unstorable(sizes)
            declared(
                not unfit,
                "sizes",
                unfit,
                "a record, which is JSON, cannot hold their values",
                "use numbers, words, and tuples and mappings of them; the claim makes of them what it needs",
            )
        declared(
            self.seeds["book"] >= MIN_BOOK_SEEDS,
            "seeds",
            self.seeds["book"],
            f"a verdict rests on at least {MIN_BOOK_SEEDS} seeds at book scale",
            f"use {MIN_BOOK_SEEDS} or more",
        )
        declared(
            min(self.seeds.values()) >= 1,
            "seeds",
            dict(self.seeds),
            "a run needs at least one seed",
            "use one or more at every scale",
        )
        for name, values, known in (
            ("needs", self.needs, EXTRAS),
            ("certified_by", self.certified_by, get_args(Means)),
            ("waives", self.waives, standing.STANDING),
        ):
            declared(set(values) <= set(known), name, values, "unknown value", f"use some of {sorted(known)}")
        for name, value, allowed in (
            ("kind", self.kind, get_args(Kind)),
            ("origin", self.origin, get_args(Origin)),
            ("known", self.known, (None, *get_args(Known))),
            ("expected", self.expected, get_args(Verdict)),
            ("fit", self.fit, get_args(Fit)),
        ):
            declared(value in allowed, name, value, "unknown value", f"use one of {allowed}")
        declared(
            (self.known is None) == (self.origin == "ours"),
            "known",
            self.known,
            f"a statement of origin {self.origin!r} has {'no' if self.origin == 'ours' else 'a'} source",
            "say how the source is known for a paper's or a sharpened statement, and nothing for one of ours",
        )
        for note in self.quoted:
            declared(
                bool(note) and not set(note) & set(".["),
                "discrepancy",
                note,
                "it quotes a note by a name that no note can have",
                "quote notes by plain names, without dots and brackets",
            )
        self._declare_controls(declared)
        self._declare_edges(declared)

    def _declare_controls(self, declared: Callable[..., None]) -> None:
        declared(
            bool(self.control.strip())
            or (self.expected == "refuted" and bool(self.positive.strip()))
            or all(c.uncontrolled.strip() for c in self.criteria),
            "control",
            self.control,
            "no control is declared, and some criteria do not say why none can break them",
            "say which hypothesis it drops",
        )
        refutable = self.expected == "refuted"
        declared(
            not refutable or bool(self.positive),
            "positive",
            self.positive,
            "a claim that is expected to be refuted needs a control that meets its criteria",
            "say where the same experiment meets them",
        )
        declared(
            not refutable or self.origin == "paper",
            "expected",
            self.expected,
            "the stamp is kept for what a paper states",
            "state what was found, or say that the statement is the paper's own",
        )
        for criterion in self.criteria:
            declared(
                criterion.low == criterion.high or bool(criterion.width),
                "criteria",
                str(criterion),
                "it does not say what its width rests on",
                "give `width`, e.g. 'spread over 50 pilot seeds: 0.97 to 1.02'",
            )
            declared(
                bool(criterion.wide) == (criterion.is_wide and self.kind in SHARP_KINDS),
                "criteria",
                str(criterion),
                f"a window of ±20 % or wider in a claim of kind {self.kind} must say why it still tests the "
                "statement, and no other may",
                "measure better and narrow it, restate the claim as a bound or an ordering, or give `wide`",
            )

    def _declare_edges(self, declared: Callable[..., None]) -> None:
        for declared_edge in self.edges:
            unknown = sorted(set(declared_edge.sizes) - set(self.sizes["smoke"]))
            declared(
                not unknown, "edges", unknown, "no such sizes", f"use some of {sorted(self.sizes['smoke'])}"
            )
            declared(
                any(self.sizes["smoke"][name] != value for name, value in declared_edge.sizes.items())
                and declared_edge.seeds != 0,
                "edges",
                str(declared_edge),
                "nothing is tried there that the smoke scale does not try",
                "change a size, and use a seed",
            )
        holding = any(not declared_edge.refused for declared_edge in self.edges)
        declared(
            holding or bool(self.edgeless) or self.kind not in EDGE_KINDS,
            "edges",
            [str(declared_edge) for declared_edge in self.edges],
            f"a claim of kind {self.kind} must be tried at its edges",
            "declare sizes that must hold, or say in `edgeless` why there are none",
        )

    @property
    def paper(self) -> str:
        """The key of the paper, which the id begins with."""
        return self.id.partition(".")[0]

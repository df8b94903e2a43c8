"""What the doctor says."""

from typing import NamedTuple

from convert.doctor.mistakes import ADVICE, HEALTHY


class Finding(NamedTuple):
    """One mistake, by its name in `mistakes`, and what shows it."""

    name: str
    evidence: str

    @property
    def advice(self) -> str:
        """What to do."""
        return ADVICE[self.name]


class Diagnosis(NamedTuple):
    """Findings, the one that explains most first; none for a healthy model."""

    findings: tuple[Finding, ...]
    notes: tuple[str, ...]  # what was seen and is no mistake

    @property
    def name(self) -> str:
        """The mistake that explains the model, or healthy."""
        return self.findings[0].name if self.findings else HEALTHY

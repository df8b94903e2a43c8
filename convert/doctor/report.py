"""The diagnosis for a person, and for a program."""

from typing import Any

from rich.console import Console
from rich.table import Table

from convert.doctor.finding import Diagnosis


def print_diagnosis(console: Console, diagnosis: Diagnosis) -> None:
    """The mistake that explains the model in one line, then what shows it and what to do."""
    console.print(f"[bold]{diagnosis.name}[/bold]", highlight=False)
    if diagnosis.findings:
        table = Table("mistake", "what shows it", "what to do")
        for finding in diagnosis.findings:
            table.add_row(finding.name, finding.evidence, finding.advice)
        console.print(table)
    for note in diagnosis.notes:
        console.print(note, highlight=False, markup=False)


def as_dictionary(diagnosis: Diagnosis) -> dict[str, Any]:
    """Everything, for --json."""
    return {
        "diagnosis": diagnosis.name,
        "findings": [
            {"mistake": one.name, "evidence": one.evidence, "advice": one.advice} for one in diagnosis.findings
        ],
        "notes": list(diagnosis.notes),
    }

"""Precision-recall curves as a picture."""

from io import BytesIO
from pathlib import Path

from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.figure import Figure

from convert.evaluation.files import write_whole
from convert.evaluation.report import PROTOCOL_NAMES, Report
from edge_retinaface.errors import UsageError

COLOURS = ("tab:green", "tab:blue", "tab:red")  # of the settings, easy to hard
SIZE_INCHES = (7.0, 5.0)
DPI = 150


def check_plot_name(path: Path) -> None:
    """UsageError for a name that `plot_curves` would refuse."""
    if _format(path) not in FigureCanvasBase.filetypes:
        raise UsageError(f"{path}: wanted a name that ends in .png or .svg, found {path.suffix!r}")


def plot_curves(path: Path, report: Report) -> None:
    """Write the curves of the data set's own protocol, the reference's dashed, in the format of the file's name."""
    check_plot_name(path)
    figure = Figure(SIZE_INCHES, dpi=DPI, layout="constrained")
    axes = figure.subplots()
    for evaluation, style in zip(report.evaluations[::-1], ("-", "--"), strict=False):
        settings = next(iter(evaluation.precision.values()))
        for (setting, precision), colour in zip(settings.items(), COLOURS, strict=False):
            label = f"{evaluation.subject}, {setting}: {precision.ap.value or 0:.4f}"
            axes.plot(precision.curve.recall, precision.curve.precision, style, color=colour, label=label)
    (protocol, *_) = report.evaluation.precision
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
    axes.set_title(f"{PROTOCOL_NAMES[protocol]}\n{report.evaluation.remark}", fontsize="medium")
    axes.grid(visible=True, alpha=0.3)
    axes.legend(loc="lower left", fontsize="small")
    content = BytesIO()
    figure.savefig(content, format=_format(path))
    write_whole(path, content.getvalue())


def _format(path: Path) -> str:
    return path.suffix.removeprefix(".").lower()

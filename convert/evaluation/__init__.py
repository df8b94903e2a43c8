"""How good a detector is on annotated pictures, and how close one is to another."""

from convert.evaluation.annotations import load_data
from convert.evaluation.comparison import Comparison, agree, compare
from convert.evaluation.dataset import Dataset, Picture
from convert.evaluation.evaluation import Evaluation, evaluate
from convert.evaluation.prediction import Predictions, Subject, open_model, predict
from convert.evaluation.report import Report, to_json
from edge_retinaface.errors import DataError

__all__ = [
    "Comparison",
    "DataError",
    "Dataset",
    "Evaluation",
    "Picture",
    "Predictions",
    "Report",
    "Subject",
    "agree",
    "compare",
    "evaluate",
    "load_data",
    "open_model",
    "predict",
    "to_json",
]

"""Records the signatures that the Picamera2 double stands in for, from the real package's source.

pip download --no-deps --no-binary :none: picamera2 --dest DIRECTORY
python tests/golden/make_picamera2_signatures.py DIRECTORY/picamera2-*.whl > tests/golden/picamera2_signatures.json
"""

import ast
import json
import sys
import zipfile

CLASSES = {"picamera2/picamera2.py": ("Picamera2",), "picamera2/request.py": ("CompletedRequest", "MappedArray")}


def signature(function: ast.FunctionDef) -> str:
    """Its parameters but self, with their defaults."""
    arguments = function.args.posonlyargs + function.args.args
    defaults = [None] * (len(arguments) - len(function.args.defaults)) + list(function.args.defaults)
    shown = [
        argument.arg if default is None else f"{argument.arg}={ast.unparse(default)}"
        for argument, default in zip(arguments, defaults, strict=True)
    ]
    static = any(ast.unparse(decorator) == "staticmethod" for decorator in function.decorator_list)
    return ", ".join(shown if static else shown[1:])


def record(wheel: str) -> dict[str, object]:
    """Class → public method or property → parameters; overloads give way to what they describe."""
    found: dict[str, object] = {"version": wheel.rpartition("picamera2-")[2].partition("-")[0]}
    with zipfile.ZipFile(wheel) as archive:
        for path, names in CLASSES.items():
            for node in ast.parse(archive.read(path)).body:
                if isinstance(node, ast.ClassDef) and node.name in names:
                    methods = [method for method in node.body if isinstance(method, ast.FunctionDef)]
                    found[node.name] = {
                        method.name: signature(method)
                        for method in methods
                        if not method.name.startswith("_") or method.name == "__init__"
                    }
    return found


if __name__ == "__main__":
    json.dump(record(sys.argv[1]), sys.stdout, indent=0)
    sys.stdout.write("\n")

"""A stand-in for Coral's library, compiled here, and a model as its compiler leaves one. Nothing is computed."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler: apt-get install gcc")
# the parts of TensorFlow Lite's C interface that a delegate needs
FAKE = """
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
typedef struct { int size; int data[]; } Ints;
typedef struct { void *init, *free, *prepare, *invoke, *profile; int32_t code; const char *name; int version;
  void *later[8]; } Registration;
typedef struct Delegate { void *data; int (*prepare)(void *, struct Delegate *); void *unused[3]; int64_t flags;
  void *opaque; } Delegate;
typedef struct Context { size_t count; int (*plan)(struct Context *, Ints **); void *tensors, *impl, *resize, *report;
  void *add; int (*node)(struct Context *, int, void **, Registration **);
  int (*replace)(struct Context *, Registration, const Ints *, Delegate *); } Context;
static void *init(void *context, const char *buffer, size_t length) { return context; }
static void done(void *context, void *buffer) {}
static int good(void *context, void *node) { return 0; }
static int prepare(void *context, Delegate *delegate) {
  Context *it = context;
  Ints *plan, *mine;
  CRASH
  if (it->plan(it, &plan)) return 1;
  mine = calloc(1, sizeof *mine + plan->size * sizeof(int));
  for (int i = 0; i < plan->size; i++) {
    void *node;
    Registration *what;
    if (it->node(it, plan->data[i], &node, &what)) return 1;
    if (what->name && !strcmp(what->name, "edgetpu-custom-op")) mine->data[mine->size++] = plan->data[i];
  }
  Registration kernel = {init, done, good, good, 0, 51, "FakeEdgeTpu", 1, {0}};
  int failed = mine->size && it->replace(it, kernel, mine, delegate);
  free(mine);
  return failed;
}
const char *edgetpu_version(void) { return "BuildLabel(x), RuntimeVersion(VERSION)"; }
Delegate *tflite_plugin_create_delegate(char **keys, char **values, size_t count, void (*error)(const char *)) {
  const char *told = getenv("FAKE_EDGETPU");
  if (!told) return 0;
  FILE *file = fopen(told, "w");
  for (size_t i = 0; i < count; i++) fprintf(file, "%s=%s\\n", keys[i], values[i]);
  fclose(file);
  Delegate *delegate = calloc(1, sizeof *delegate);
  delegate->prepare = prepare;
  delegate->flags = 1;
  return delegate;
}
void tflite_plugin_destroy_delegate(Delegate *delegate) { free(delegate); }
"""


def compile_fake(folder: Path, version: int = 14, crash: str = "") -> Path:
    """A library of that runtime version, in `folder`; it does `crash`, in C, when it is given a model."""
    library = folder / "libedgetpu.so.1"
    command = ["cc", "-shared", "-fPIC", f"-DCRASH={crash}", "-x", "c", "-o", str(library), "-"]
    source = FAKE.replace("VERSION)", f"{version})")
    subprocess.run(command, input=source, text=True, check=True, capture_output=True)
    return library


def compiled(content: bytes, left: int = 3) -> bytes:
    """A TFLite file with all but its last `left` operations turned into one, as edgetpu_compiler does it."""
    from convert.backend import schema  # noqa: PLC0415 - TensorFlow is needed for this alone
    from convert.tflite import pack, unpack  # noqa: PLC0415

    model = unpack(content)
    graph = model.subgraphs[0]
    mine, others = graph.operators[:-left], graph.operators[-left:]
    made = {int(index) for op in mine for index in op.outputs}
    wanted = {int(index) for op in others for index in op.inputs} | set(map(int, graph.outputs))
    code = schema.OperatorCodeT(
        deprecatedBuiltinCode=schema.BuiltinOperator.CUSTOM,
        builtinCode=schema.BuiltinOperator.CUSTOM,
        customCode=b"edgetpu-custom-op",
        version=1,
    )
    model.operatorCodes.append(code)
    whole = schema.OperatorT(
        opcodeIndex=len(model.operatorCodes) - 1,
        inputs=np.array(graph.inputs, np.int32),
        outputs=np.array(sorted(made & wanted), np.int32),
        customOptions=np.zeros(4, np.uint8),
    )
    graph.operators = [whole, *others]
    return pack(model)

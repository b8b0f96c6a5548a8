#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks what can be seen of the tree without reading code.

usage: tree.py [TREE]

The top level holds nothing unexpected; sources begin with their licence and are not long; no file
is large; nothing names a place on somebody's machine; scripts, and nothing else, can be run.
"""

import os
import re
import subprocess
import sys

TOP_LEVEL = {"meson.build", "meson_options.txt", "include", "src", "sim", "tests", "fuzz", "bench",
             "docs", "README.md", "LICENSE"}
SIZE_MAX = 1 << 20
LINES_MAX = 500

SPDX = "SPDX-License-Identifier: MIT"
C_LIKE = (".c", ".h", ".cc", ".map")
HASH_LIKE = (".py", ".sh", "meson.build", "meson_options.txt")
LIMITED = (".c", ".h", ".cc", ".py", ".sh")

MACHINE_PATH = re.compile(r"(?<![\w.~$}-])/(?:home|root|work|Users)/\w[^\s'\"`)]*")


def git_files(tree):
    """What git tracks, or would track if told so; None outside of a checkout."""
    git = ["git", "-c", "safe.directory=*", "-C", tree]
    try:
        top = subprocess.run(git + ["rev-parse", "--show-cdup"], capture_output=True, check=True)
        if top.stdout.strip():
            return None  # some other checkout holds the tree
        listed = subprocess.run(git + ["ls-files", "-z", "--cached", "--others",
                                       "--exclude-standard"], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return [name for name in os.fsdecode(listed.stdout).split("\0") if name]


def walked_files(tree):
    """Every file but those of git and of build directories."""
    for directory, directories, names in os.walk(tree):
        directories[:] = [name for name in directories if name not in (".git", "__pycache__")
                          and not os.path.exists(os.path.join(directory, name, "meson-private"))]
        for name in names:
            yield os.path.relpath(os.path.join(directory, name), tree)


def check_top_level(paths):
    for name in sorted({path.split(os.sep)[0] for path in paths}):
        if name not in TOP_LEVEL and not name.startswith("."):
            yield f"{name}: not one of the names of the top level"


def check_licence(path, lines):
    """The licence stands in the first line, or behind the line that names the interpreter."""
    script = lines[0].startswith("#!") if lines else False
    first = lines[1:2] if script else lines[:1]
    if path.endswith(C_LIKE) and first != [f"/* {SPDX} */"]:
        yield f"{path}:1: does not begin with /* {SPDX} */"
    elif (script or path.endswith(HASH_LIKE)) and first != [f"# {SPDX}"]:
        yield f"{path}:{2 if script else 1}: is not # {SPDX}"


def check_run_bit(path, full, lines):
    script = lines[0].startswith("#!") if lines else False
    runs = os.access(full, os.X_OK)
    if script and not runs:
        yield f"{path}: names an interpreter, but has no run bit"
    if runs and not script:
        yield f"{path}: has a run bit, but names no interpreter"


def check_text(path, full, text):
    lines = text.splitlines()
    yield from check_licence(path, lines)
    yield from check_run_bit(path, full, lines)
    if len(lines) > LINES_MAX and path.endswith(LIMITED):
        yield f"{path}: {len(lines)} lines; {LINES_MAX} are allowed"
    for number, line in enumerate(lines, 1):
        for match in MACHINE_PATH.finditer(line):
            yield f"{path}:{number}: names a place on a machine: {match.group()}"


def check_file(tree, path):
    full = os.path.join(tree, path)
    if os.path.islink(full):
        yield f"{path}: symbolic links do not survive every archive"
        return
    size = os.path.getsize(full)
    if size > SIZE_MAX:
        yield f"{path}: {size} bytes; {SIZE_MAX} are allowed"
        return
    with open(full, "rb") as file:
        content = file.read()
    if b"\0" not in content:
        yield from check_text(path, full, content.decode("utf-8", errors="replace"))


def check(tree):
    """Everything that is wrong with a tree, as lines."""
    paths = git_files(tree)
    if paths is None:
        paths = list(walked_files(tree))
    # A file that was deleted and is still tracked is on its way out.
    paths = sorted(path for path in paths if os.path.lexists(os.path.join(tree, path)))
    complaints = list(check_top_level(paths))
    for path in paths:
        complaints += check_file(tree, path)
    return complaints if paths else ["no files at all"]


def main(arguments):
    here = os.path.dirname(os.path.abspath(__file__))
    complaints = check(arguments[0] if arguments else os.path.join(here, "..", ".."))
    print("\n".join(complaints) if complaints else "the tree is in order")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks that what the headers declare, what the libraries export and the version agree.

usage: api.py [TREE]

Every function of include/ is PHYR_API (or inline) and stands in its library's version script,
sorted, and nothing else does. The newest node of each script, include/phyr/version.h and the
newest key of api_log in meson.build name one version.
"""

import os
import re
import sys

LIBRARIES = (
    # headers, version script, prefix of the nodes, prefix of the names
    ("include/phyr", "src/libphyr.map", "PHYR_", "phyr_"),
    ("include/phyrsim", "sim/libphyrsim.map", "PHYRSIM_", "phyrsim_"),
)

COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
CPLUSPLUS = re.compile(r"^#ifdef __cplusplus$.*?^#endif$", re.DOTALL | re.MULTILINE)
DIRECTIVE = re.compile(r"^[ \t]*#(?:\\\n|[^\n])*", re.MULTILINE)
INNERMOST = re.compile(r"\{[^{}]*\}")
NODE = re.compile(r"(\w+?)_?(\d+)\.(\d+)\s*\{([^}]*)\}\s*(\w+\.\d+)?\s*;")


def read(tree, path):
    with open(os.path.join(tree, path), encoding="utf-8") as file:
        return file.read()


def declared(text):
    """What a header declares: (exported names, complaints)."""
    text = COMMENT.sub(" ", text)
    text = DIRECTIVE.sub("", CPLUSPLUS.sub("", text))
    while INNERMOST.search(text):
        text = INNERMOST.sub(" ;", text)  # bodies, structures, enumerations
    names, complaints = [], []
    for statement in text.split(";"):
        words = statement.split("(")[0].split()
        if not words or words[0] in ("static", "typedef", "_Static_assert"):
            continue
        name = words[-1].lstrip("*")
        if words[0] == "PHYR_API":
            names.append(name)
        elif "(" in statement:
            complaints.append(f"{name} is neither PHYR_API nor static inline")
    return names, complaints


def read_script(text):
    """The nodes of a version script, in order: [(prefix, (major, minor), [names], rest)]."""
    nodes = []
    for prefix, major, minor, body, _ in NODE.findall(COMMENT.sub(" ", text)):
        shown, _, hidden = body.partition("local:")
        names = [name for name in re.split(r"[;\s]+", shown.replace("global:", " ")) if name]
        nodes.append((prefix + "_", (int(major), int(minor)), names, hidden.split()))
    return nodes


def header_version(text):
    found = dict(re.findall(r"^#define PHYR_VERSION_(MAJOR|MINOR|PATCH) (\d+)$", text,
                            re.MULTILINE))
    return int(found["MAJOR"]), int(found["MINOR"])


def log_version(text):
    """The newest key of api_log; every key has a line that says what it brought."""
    log = re.search(r"^api_log = \{(.*?)^\}", text, re.DOTALL | re.MULTILINE)
    keys = re.findall(r"'(\d+)\.(\d+)'\s*:\s*'[^']+'", log.group(1) if log else "")
    return max(((int(major), int(minor)) for major, minor in keys), default=None)


def dotted(version):
    return ".".join(map(str, version)) if version else "none"


def check_script(script, nodes, node_prefix, name_prefix):
    """The form of a version script, whatever the headers say."""
    if not nodes:
        yield f"{script}: no nodes"
    versions = [version for _, version, _, _ in nodes]
    if versions != sorted(set(versions)):
        yield f"{script}: the nodes are not in the order of their versions"
    seen = set()
    for prefix, version, names, hidden in nodes:
        where = f"{script}: {prefix}{dotted(version)}"
        if prefix != node_prefix:
            yield f"{where} does not begin with {node_prefix}"
        if names != sorted(names):
            yield f"{where}: the names are not sorted"
        if version == versions[0] and hidden != ["*;"]:
            yield f"{where} does not hide everything else (local: *;)"
        for name in names:
            if not re.fullmatch(name_prefix + r"\w+", name):
                yield f"{where}: {name} is not a name that begins with {name_prefix}"
            if name in seen:
                yield f"{where}: {name} stands in the script twice"
            seen.add(name)


def check_library(tree, headers, script, node_prefix, name_prefix):
    """One library; returns (complaints, newest version of its script)."""
    nodes = read_script(read(tree, script))
    complaints = list(check_script(script, nodes, node_prefix, name_prefix))
    exported = {name for _, _, names, _ in nodes for name in names}
    in_headers = set()
    for name in sorted(os.listdir(os.path.join(tree, headers))):
        names, wrong = declared(read(tree, f"{headers}/{name}"))
        complaints += [f"{headers}/{name}: {complaint}" for complaint in wrong]
        complaints += [f"{headers}/{name}: {function} is not in {script}"
                       for function in names if function not in exported]
        in_headers.update(names)
    complaints += [f"{script}: {name} is in no header" for name in sorted(exported - in_headers)]
    return complaints, max((version for _, version, _, _ in nodes), default=None)


def check(tree):
    """Everything that is wrong with a tree, as lines."""
    complaints = []
    version = header_version(read(tree, "include/phyr/version.h"))
    newest = {"meson.build: api_log": log_version(read(tree, "meson.build"))}
    for library in LIBRARIES:
        wrong, newest[library[1]] = check_library(tree, *library)
        complaints += wrong
    complaints += [f"{where} ends at version {dotted(found)}, include/phyr/version.h says "
                   f"{dotted(version)}" for where, found in newest.items() if found != version]
    return complaints


def main(arguments):
    here = os.path.dirname(os.path.abspath(__file__))
    complaints = check(arguments[0] if arguments else os.path.join(here, "..", ".."))
    print("\n".join(complaints) if complaints else "headers, exports and versions agree")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

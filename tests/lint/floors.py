#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks every #include of the libraries against the floors of docs/architecture.md.

usage: floors.py [TREE]

The document is the rule and says how it is read; here it is only applied.
"""

import os
import re
import sys

TABLE_HEAD = ["floor", "module", "one idea", "may include", "allocates", "files"]
CORE_FLOORS = range(0, 8)
CORE_SYSTEM = {"string.h"}
CORE_SYSTEM_C = CORE_SYSTEM | {"stdatomic.h"}
CORE_SYSTEM_PUBLIC = CORE_SYSTEM | {"stdbool.h", "stddef.h", "stdint.h"}
# The assertions and the lock: private to the project, open to everyone who may include base.
SHARED = {"src/base/check.h", "src/base/lock.h"}

COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
INCLUDE = re.compile(r"^[ \t]*#[ \t]*include\b[ \t]*(.*?)[ \t]*$", re.MULTILINE)
FLOOR_RANGE = re.compile(r"(s\d+)(?:–(s\d+))?$")


class Row:
    """A module: what it may include, and whether it has files."""

    def __init__(self, floor, module, has_files):
        self.floor = floor
        self.module = module
        self.has_files = has_files
        self.allowed = set()
        self.types_only = set()

    @property
    def core(self):
        return self.floor.isdigit() and int(self.floor) in CORE_FLOORS


def read_allowed(cell, above):
    """What a cell of "may include" allows: (modules, modules for types only, unknown words)."""
    allowed, types_only, unknown = set(), set(), []
    text = cell.replace("public headers", "public-headers").replace("all above", "all-above")
    text = text.replace(" (types)", "(types)")
    for word in text.replace(",", " ").split():
        floors = FLOOR_RANGE.match(word)
        if word == "–":
            continue
        if word == "all-above":
            allowed |= set(above)
        elif word == "public-headers":
            allowed |= {module for module in above if not module.startswith("sim/")}
        elif floors:
            first, last = floors.group(1), floors.group(2) or floors.group(1)
            allowed |= {m for m, row in above.items()
                        if row.floor.startswith("s") and first <= row.floor <= last}
        elif word.endswith("(types)") and word[:-7] in above:
            types_only.add(word[:-7])
        elif word in above:
            allowed.add(word)
        else:
            unknown.append(word)
    return allowed | types_only, types_only - allowed, unknown


def read_table(text):
    """Reads the floor table: ({module: Row}, complaints)."""
    rows, complaints, inside = {}, [], False
    for number, line in enumerate(text.splitlines(), 1):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if cells == TABLE_HEAD:
            inside = True
        elif not line.startswith("|"):
            inside = False
        elif inside and not set(line) <= set("|-: "):
            where = f"docs/architecture.md:{number}"
            if len(cells) != len(TABLE_HEAD) or cells[5] not in ("yes", "none yet"):
                complaints.append(f"{where}: not a row of the floor table")
                continue
            row = Row(cells[0], cells[1], cells[5] == "yes")
            row.allowed, row.types_only, unknown = read_allowed(cells[3], rows)
            complaints += [f"{where}: {row.module} may not include '{word}': no row above has it"
                           for word in unknown]
            if row.module in rows:
                complaints.append(f"{where}: {row.module} has a row already")
            rows[row.module] = row
    if not rows:
        complaints.append("docs/architecture.md: no floor table")
    return rows, complaints


def module_of(path, rows):
    """The module that a file of the tree belongs to, by its path."""
    parts = path.split("/")
    if parts[0] == "include":
        prefix, name = {"phyr": "", "phyrsim": "sim/"}.get(parts[1]), parts[2:]
        if prefix is None:
            return path
    else:
        prefix, name = {"src": "", "sim": "sim/"}[parts[0]], parts[1:]
    module = prefix + (os.path.splitext(name[0])[0] if len(name) == 1 else name[0])
    if path == "include/phyr/version.h":
        return "base"
    whole = module.rpartition("_")[0]
    if parts[0] == "include" and module not in rows and whole in rows:
        return whole
    return module


def sources(tree):
    """Every C file of the libraries, as paths with / from the top of the tree."""
    for top in ("src", "include", "sim"):
        for directory, _, names in os.walk(os.path.join(tree, top)):
            for name in names:
                if name.endswith((".c", ".h")):
                    path = os.path.relpath(os.path.join(directory, name), tree)
                    yield path.replace(os.sep, "/")


class File:
    """A source file, its module's row, and what is wrong with it."""

    def __init__(self, tree, path, row, rows):
        self.tree = tree
        self.path = path
        self.row = row
        self.rows = rows
        with open(os.path.join(tree, path), encoding="utf-8") as source:
            # Comments go, their lines stay, so that numbers remain right.
            self.text = COMMENT.sub(lambda m: "\n" * m.group().count("\n") or " ", source.read())

    def check(self):
        for match in INCLUDE.finditer(self.text):
            complaint = self.check_include(match.group(1))
            if complaint:
                yield self.complain(match.start(), complaint)
        for module in self.row.types_only:
            call = re.compile(r"\bphyrsim_" + module.removeprefix("sim/") + r"_\w+\s*\(")
            for match in call.finditer(self.text):
                yield self.complain(match.start(),
                                    f"{self.row.module} may use the types of {module}, no more")

    def complain(self, position, text):
        return f"{self.path}:{self.text.count(chr(10), 0, position) + 1}: {text}"

    def check_include(self, what):
        """One include: what is wrong with it, or None."""
        angle = re.fullmatch(r"<([^>]+)>", what)
        quoted = re.fullmatch(r'"([^"]+)"', what)
        if quoted:
            return self.check_private(quoted.group(1))
        if not angle:
            return f"include {what}: neither <…> nor \"…\""
        name = angle.group(1)
        if name.startswith(("phyr/", "phyrsim/")):
            return self.check_module(module_of("include/" + name, self.rows), f"<{name}>")
        return self.check_system(name)

    def check_module(self, module, what):
        if module != self.row.module and module not in self.row.allowed:
            return f"{self.row.module} (floor {self.row.floor}) may not include {what}"
        return None

    def check_private(self, name):
        for base in (os.path.dirname(self.path), "src", "sim"):
            path = os.path.normpath(os.path.join(base, name)).replace(os.sep, "/")
            if os.path.isfile(os.path.join(self.tree, path)):
                break
        else:
            return f'"{name}": no such private header'
        if path.startswith("include/"):
            return f'"{name}": a public header is included as <{path[len("include/"):]}>'
        if path in SHARED:
            return self.check_module("base", f'"{name}"')
        if not path.startswith(("src/", "sim/")) or module_of(path, self.rows) != self.row.module:
            return f'"{name}" is private to another module'
        return None

    def check_system(self, name):
        if not self.row.core:
            return None
        if self.path.startswith("include/"):
            allowed = CORE_SYSTEM_PUBLIC
        else:
            allowed = CORE_SYSTEM_C if self.path.endswith(".c") else CORE_SYSTEM
        return None if name in allowed else f"the core may not include <{name}> here"


def check(tree):
    """Everything that is wrong with a tree, as lines."""
    with open(os.path.join(tree, "docs", "architecture.md"), encoding="utf-8") as document:
        rows, complaints = read_table(document.read())
    with_files = set()
    for path in sorted(sources(tree)):
        module = module_of(path, rows)
        with_files.add(module)
        if module not in rows:
            complaints.append(f"{path}: docs/architecture.md has no row for a module '{module}'")
        else:
            complaints += File(tree, path, rows[module], rows).check()
    for module, row in rows.items():
        if row.has_files != (module in with_files):
            truth = "has no files" if row.has_files else "has files"
            complaints.append(f"docs/architecture.md: the row of {module} is wrong: it {truth}")
    return complaints


def main(arguments):
    here = os.path.dirname(os.path.abspath(__file__))
    complaints = check(arguments[0] if arguments else os.path.join(here, "..", ".."))
    print("\n".join(complaints) if complaints else "every include is on its floor")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Walks images of page tables and compares what it finds with the texts of the same tables.

usage: dump_walk.py PROGRAM

PROGRAM writes pairs N.image and N.txt into the directory that it is given. This is a model from
outside: it shares nothing with the library, and knows the forms from docs/table-dump.md and the
entries from the specifications of the hardware.
"""

import glob
import os
import struct
import subprocess
import sys
import tempfile

FORMATS = ["vtd-ss", "amd-v1", "x86-fs", "arm-s1", "arm-s2", "riscv-s1", "riscv-s2"]
FEATURES = ["coherent", "contiguous", "wide", "unsigned", "upper", "fwb", "dirty", "write-reads",
            "pbmt", "bbm2"]
MAGIC = b"\x89PHYTD\n\x1a"
HEAD = struct.Struct("<8s8I2Q")


class Root:
    """What the head of an image says."""

    def __init__(self, image):
        (magic, version, form, self.levels, self.granule, self.iova_bits, self.pa_bits, features,
         zero, self.table, self.frame_cnt) = HEAD.unpack_from(image)
        assert magic == MAGIC and version == 1 and zero == 0
        self.format = FORMATS[form]
        self.features = [name for i, name in enumerate(FEATURES) if features >> i & 1]

    def item_lg2(self, level):
        return self.granule + (self.granule - 3) * level

    def item_cnt(self, level):
        if level + 1 == self.levels:
            return 1 << (self.iova_bits - self.item_lg2(level))
        return 1 << (self.granule - 3)


def read_image(path):
    """The root, and a function that reads a word of memory."""
    with open(path, "rb") as file:
        image = file.read()
    root = Root(image)
    assert len(image) == HEAD.size + root.frame_cnt * 4104
    at = range(HEAD.size, len(image), 4104)
    frames = {struct.unpack_from("<Q", image, i)[0]: i + 8 for i in at}
    assert len(frames) == root.frame_cnt and list(frames) == sorted(frames)
    return root, lambda pa: struct.unpack_from("<Q", image, frames[pa & ~4095] + pa % 4096)[0]


def field(word, hi, lo):
    return word & ((2 << hi) - (1 << lo))


def bit(word, i):
    return word >> i & 1


class Leaf:
    """One leaf; `bits` is the entry without its address."""

    def __init__(self, entry, pa, lg2, address_bits):
        self.entry, self.pa, self.lg2, self.bits = entry, pa, lg2, entry & ~address_bits
        self.read, self.write, self.dirty, self.attrs = True, True, False, set()

    def use(self):
        words = ["r" if self.read else "-", "w" if self.write else "-"]
        for name in ("uncached", "mmio", "noexec", "privileged"):
            words += ["," + name] if name in self.attrs else []
        return "".join(words + [",dirty"] if self.dirty else words)


def vtd(root, entry, level):
    if entry & 3 == 0:
        return None
    if level and not entry & 0x80:
        return field(entry, 51, 12), level - 1
    leaf = Leaf(entry, field(entry, 51, 12), root.item_lg2(level), field(~0, 51, 12))
    leaf.read, leaf.write, leaf.dirty = bit(entry, 0), bit(entry, 1), bit(entry, 9)
    return leaf


def amd(root, entry, level):
    if not entry & 1:
        return None
    after = entry >> 9 & 7
    if after not in (0, 7):
        return field(entry, 51, 12), after - 1
    lg2, pa = root.item_lg2(level), field(entry, 51, 12)
    if after == 7:
        lg2 = 13
        while pa >> (lg2 - 1) & 1:
            lg2 += 1
        pa &= ~((1 << lg2) - 1)
    leaf = Leaf(entry, pa, lg2, field(~0, 51, 12))
    leaf.read, leaf.write, leaf.dirty = bit(entry, 61), bit(entry, 62), bit(entry, 6)
    return leaf


def x86(root, entry, level):
    if not entry & 1:
        return None
    if level and not entry & 0x80:
        return field(entry, 51, 12), level - 1
    bits = field(~0, 51, 13 if level else 12)
    leaf = Leaf(entry, entry & bits, root.item_lg2(level), bits)
    leaf.write, leaf.dirty = bit(entry, 1), bit(entry, 6)
    leaf.attrs = {name for name, has in (("uncached", bit(entry, 4)), ("noexec", bit(entry, 63)),
                                         ("privileged", not bit(entry, 2))) if has}
    return leaf


def riscv(root, entry, level):
    if not entry & 1:
        return None
    if not entry & 0xe:
        return field(entry, 53, 10) << 2, level - 1
    lg2, pa = root.item_lg2(level), field(entry, 53, 10) << 2
    if bit(entry, 63):
        assert level == 0 and pa >> 12 & 15 == 8
        lg2, pa = 16, pa & ~0xffff
    leaf = Leaf(entry, pa, lg2, field(~0, 53, 10))
    leaf.read, leaf.write, leaf.dirty = bit(entry, 1), bit(entry, 2), bit(entry, 7)
    leaf.attrs |= {("", "uncached", "mmio")[entry >> 61 & 3], "" if bit(entry, 3) else "noexec"}
    if root.format == "riscv-s1" and not bit(entry, 4):
        leaf.attrs.add("privileged")
    return leaf


def arm_group(root, level):
    return {12: (4, 4, 4, 4), 14: (7, 5), 16: (5, 5, 5)}[root.granule][level]


def arm_type(root, entry):
    if root.format == "arm-s1":
        return ("uncached", "", "mmio")[entry >> 2 & 7]
    if "fwb" in root.features:
        return {1: "mmio", 5: "uncached", 6: ""}[entry >> 2 & 15]
    return {1: "mmio", 5: "uncached", 15: ""}[entry >> 2 & 15]


def arm(root, entry, level):
    if not entry & 1:
        return None
    wide = "wide" in root.features
    low = field(~0, 49 if wide and root.granule < 16 else 47, root.granule)
    high, shift = ((0xf000, 36) if root.granule == 16 else (0x300, 42)) if wide else (0, 0)
    pa = entry & low | (entry & high) << shift
    if level and entry & 2:
        return pa, level - 1
    lg2 = root.item_lg2(level) + (arm_group(root, level) if bit(entry, 52) else 0)
    leaf = Leaf(entry, pa, lg2, low | high)
    leaf.attrs = {arm_type(root, entry)}
    managed = "dirty" in root.features and bit(entry, 51)
    writable = bit(entry, 7) ^ (root.format == "arm-s1")
    leaf.write, leaf.dirty = managed or writable, managed and writable
    if root.format == "arm-s1":
        leaf.attrs |= {"noexec" if entry >> 53 & 3 == 3 else "",
                       "" if bit(entry, 6) else "privileged"}
        # What users may write the privileged may not execute.
        if bit(entry, 54) and leaf.write and bit(entry, 6):
            leaf.attrs.add("noexec")
    else:
        leaf.read = bit(entry, 6)
        leaf.attrs.add("noexec" if bit(entry, 54) else "")
    return leaf


READERS = {"vtd-ss": vtd, "amd-v1": amd, "x86-fs": x86, "arm-s1": arm, "arm-s2": arm,
           "riscv-s1": riscv, "riscv-s2": riscv}


def leaves(root, word, table, level, at):
    """Every leaf below a table with its offset; a contiguous group once."""
    i, end = 0, root.item_cnt(level)
    while i < end:
        said = READERS[root.format](root, word(table + 8 * i), level)
        step = 1
        if isinstance(said, Leaf):
            step = max(1, 1 << said.lg2 >> root.item_lg2(level))
            yield at + (i << root.item_lg2(level)), said
        elif said:
            yield from leaves(root, word, *said, at + (i << root.item_lg2(level)))
        i += step


def address_of(root, offset):
    """Offsets become I/O addresses by the sign, or by the ones of an upper half."""
    signed = root.format in ("riscv-s1", "x86-fs") and "unsigned" not in root.features
    if "upper" in root.features or (signed and offset >> (root.iova_bits - 1)):
        return offset + (1 << 64) - (1 << root.iova_bits)
    return offset


def size(lg2):
    return f"{1 << lg2 % 10}{'BKMGTPE'[lg2 // 10]}"


class Run:
    """Neighbouring leaves that lead to neighbouring memory and are otherwise the same."""

    def __init__(self, iova, leaf):
        self.iova, self.leaf, self.cnt = iova, leaf, 1
        self.same = leaf.lg2, leaf.bits, leaf.use()

    def goes_on(self, run):
        length = self.cnt << self.leaf.lg2
        return (self.same == run.same and self.iova + length == run.iova
                and self.leaf.pa + length == run.leaf.pa)

    def line(self):
        leaf = self.leaf
        return (f"0x{self.iova:016x} 0x{leaf.pa:016x} 0x{self.cnt << leaf.lg2:x} "
                f"{size(leaf.lg2)} {self.cnt} {leaf.use()} 0x{leaf.entry:016x}")


def text(root, word):
    """The text of a table from its root down, without the section of tables."""
    lines = ["phyr-table 1", f"format {root.format}", f"root 0x{root.table:016x}",
             f"levels {root.levels}", f"granule {size(root.granule)}",
             f"iova-bits {root.iova_bits}", f"pa-bits {root.pa_bits}",
             f"features {','.join(root.features) or '-'}", "section leaves"]
    runs, cnt = [], 0
    for offset, leaf in leaves(root, word, root.table, root.levels - 1, 0):
        run = Run(address_of(root, offset), leaf)
        cnt += 1
        if runs and runs[-1].goes_on(run):
            runs[-1].cnt += 1
        else:
            runs.append(run)
    lines += [run.line() for run in runs]
    return lines + [f"end {len(lines)} {cnt} 0"], cnt


def compare(path):
    root, word = read_image(path)
    found, cnt = text(root, word)
    with open(path.replace(".image", ".txt"), encoding="ascii") as file:
        told = file.read().splitlines()
    for here, there in zip(found, told):
        assert here == there, f"{os.path.basename(path)}:\nwalked {here}\ntold   {there}"
    assert len(found) == len(told)
    return cnt


def main(program):
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run([program, directory], check=True)
        paths = sorted(glob.glob(os.path.join(directory, "*.image")))
        cnt = sum(compare(path) for path in paths)
    print(f"{len(paths)} images, {cnt} leaves: as the texts say")
    return 0 if paths and cnt else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

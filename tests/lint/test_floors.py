# SPDX-License-Identifier: MIT
"""Small trees, each with one thing wrong: the floor lint finds it, and nothing else."""

import os
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import floors  # noqa: E402

TABLE = """
| floor | module | one idea | may include | allocates | files |
|---|---|---|---|---|---|
| 0 | base | values | – | no | yes |
| 1 | bits | arithmetic | base | no | yes |
| 5 | p2p | peers | base bits | no | none yet |
| 7 | dma | maps | all above | no | yes |
| 8 | pin | memory | base bits | no | yes |
| s0 | sim/mem | frames | public headers | yes | yes |
| s1 | sim/pagetable | tables | s0, public headers | yes | yes |
| s2 | sim/walker | walks | s0, sim/pagetable (types), public headers | no | yes |
| s3 | sim/iommu | both | s0–s2, public headers | yes | yes |
"""

FILES = {
    "docs/architecture.md": TABLE,
    "include/phyr/base.h": "#include <stdint.h>\n#include <phyr/version.h>\n",
    "include/phyr/version.h": "",
    "include/phyr/bits.h": "#include <phyr/base.h>\n",
    "include/phyr/dma.h": "#include <phyr/base.h>\n",
    "include/phyr/pin.h": "#include <phyr/base.h>\n",
    "src/base/base.c": "#include <string.h>\n#include <phyr/base.h>\n",
    "src/base/check.h": "",
    "src/base/lock.h": "#include <phyr/base.h>\n",
    "src/dma/map.c": '#include <stdatomic.h>\n#include <phyr/bits.h>\n#include "map.h"\n',
    "src/dma/map.h": '#include <phyr/dma.h>\n#include "../base/check.h"\n'
                     '#include "../base/lock.h"\n',
    "src/pin.c": "#include <stdio.h>\n#include <phyr/pin.h>\n",
    "include/phyrsim/mem.h": "#include <phyr/base.h>\n",
    "include/phyrsim/pagetable.h": "#include <phyrsim/mem.h>\n",
    "include/phyrsim/walker.h": "#include <phyrsim/pagetable.h>\n",
    "include/phyrsim/iommu.h": "#include <phyrsim/pagetable.h>\n",
    "sim/mem.c": "#include <stdlib.h>\n#include <phyrsim/mem.h>\n",
    "sim/pagetable/vtd.c": '#include "vtd.h"\n',
    "sim/pagetable/vtd.h": "",
    "sim/walker.c": "/* unlike phyrsim_pagetable_map() */\n#include <phyrsim/walker.h>\n",
    "sim/iommu.c": "#include <phyr/dma.h>\n#include <phyrsim/walker.h>\n",
}


class FloorsTest(unittest.TestCase):
    def check(self, changes):
        """Complaints about the good tree with some files added, replaced or (None) left out."""
        with tempfile.TemporaryDirectory() as tree:
            for path, text in {**FILES, **changes}.items():
                if text is None:
                    continue
                full = os.path.join(tree, path)
                os.makedirs(os.path.dirname(full), exist_ok=True)
                with open(full, "w", encoding="utf-8") as file:
                    file.write(text)
            return floors.check(tree)

    def assert_one(self, changes, *words):
        complaints = self.check(changes)
        self.assertEqual(len(complaints), 1, complaints)
        for word in words:
            self.assertIn(word, complaints[0])

    def assert_table_complaint(self, line, word):
        complaints = self.check({"docs/architecture.md": TABLE + line + "\n"})
        self.assertTrue(any(word in complaint for complaint in complaints), complaints)

    def test_the_good_tree_is_good(self):
        self.assertEqual(self.check({}), [])

    def test_a_part_of_a_public_header_is_of_the_module(self):
        part = {"include/phyrsim/pagetable_split.h": "#include <phyrsim/pagetable.h>\n"}
        self.assertEqual(self.check(part), [])
        self.assert_one({**part, "sim/mem.c": "#include <phyrsim/pagetable_split.h>\n"},
                        "sim/mem.c:1:")
        self.assert_one({"include/phyrsim/table_split.h": ""}, "sim/table_split")
        self.assert_one({"src/pin_dma.c": ""}, "pin_dma")

    def test_a_higher_floor(self):
        self.assert_one({"include/phyr/base.h": "\n#include <phyr/bits.h>\n"},
                        "include/phyr/base.h:2:", "base (floor 0)", "<phyr/bits.h>")

    def test_a_floor_that_is_lower_and_not_named(self):
        self.assert_one({"src/pin.c": "#include <phyr/dma.h>\n"}, "<phyr/dma.h>")

    def test_the_simulator_in_the_library(self):
        self.assert_one({"src/dma/map.c": "#include <phyrsim/mem.h>\n"}, "<phyrsim/mem.h>")

    def test_a_higher_floor_of_the_simulator(self):
        self.assert_one({"sim/mem.c": "#include <phyrsim/iommu.h>\n"}, "sim/mem.c:1:")

    def test_spaces_do_not_hide_an_include(self):
        self.assert_one({"src/pin.c": "  #\tinclude  <phyr/dma.h> /* why */\n"}, "<phyr/dma.h>")

    def test_a_comment_is_no_include(self):
        text = "/*\n#include <phyr/dma.h>\n*/\n// x\n"
        self.assertEqual(self.check({"src/pin.c": text}), [])

    def test_lines_are_counted_through_comments(self):
        self.assert_one({"src/pin.c": "/*\n\n*/\n#include <phyr/dma.h>\n"}, "src/pin.c:4:")

    def test_an_include_by_macro(self):
        self.assert_one({"src/pin.c": "#include HEADER\n"}, "HEADER")

    def test_system_headers_in_the_core(self):
        for path, name in (("src/base/base.c", "stdlib.h"), ("src/base/base.c", "stdint.h"),
                           ("src/dma/map.h", "stdatomic.h"), ("src/dma/map.h", "stdbool.h"),
                           ("include/phyr/bits.h", "stdio.h"), ("src/dma/map.c", "pthread.h")):
            self.assert_one({path: f"#include <{name}>\n"}, path, f"<{name}>")

    def test_a_private_header_of_another_module(self):
        self.assert_one({"src/pin.c": '#include "dma/map.h"\n'}, "private to another module")
        self.assert_one({"sim/mem.c": '#include "pagetable/vtd.h"\n'}, "private to another module")
        self.assert_one({"sim/mem.c": '#include "../src/dma/map.h"\n'},
                        "private to another module")

    def test_a_private_header_of_the_tests(self):
        self.assert_one({"tests/test.h": "", "src/pin.c": '#include "../tests/test.h"\n'},
                        "private to another module")

    def test_a_private_header_that_is_not_there(self):
        self.assert_one({"src/pin.c": '#include "nowhere.h"\n'}, "no such private header")

    def test_a_public_header_in_quotes(self):
        self.assert_one({"src/pin.c": '#include "../include/phyr/base.h"\n'}, "<phyr/base.h>")

    def test_the_assertions_and_the_lock_need_base(self):
        for shared in ("base/check.h", "base/lock.h"):
            changes = {"docs/architecture.md": TABLE + "| 8 | heap | malloc | – | no | yes |\n",
                       "src/heap.c": f'#include "{shared}"\n'}
            self.assert_one(changes, shared)

    def test_types_alone_are_no_licence_to_call(self):
        text = "#include <phyrsim/pagetable.h>\nint x = phyrsim_pagetable_map(1);\n"
        self.assert_one({"sim/walker.c": text}, "sim/walker.c:2:", "types")

    def test_a_file_without_a_row(self):
        for path in ("src/extra.c", "src/extra/a.h", "include/phyr/extra.h", "sim/extra.c",
                     "include/phyrsim/extra.h", "include/other/base.h"):
            self.assert_one({path: ""}, path, "no row")

    def test_a_module_that_should_have_no_files_yet(self):
        self.assert_one({"src/p2p.c": ""}, "row of p2p", "has files")

    def test_a_module_that_should_have_files(self):
        self.assert_one({"src/pin.c": None, "include/phyr/pin.h": None}, "row of pin", "no files")

    def test_a_row_that_allows_a_row_below_it(self):
        self.assert_table_complaint("| 8 | front | f | late | no | none yet |\n"
                                    "| 8 | late | l | – | no | none yet |", "'late'")

    def test_a_row_that_allows_itself(self):
        self.assert_table_complaint("| 8 | front | f | front | no | none yet |", "'front'")

    def test_a_second_row_for_a_module(self):
        self.assert_table_complaint("| 8 | pin | again | – | no | yes |", "has a row already")

    def test_a_row_of_another_shape(self):
        self.assert_table_complaint("| 8 | front | f | – | no |", "not a row")
        self.assert_table_complaint("| 8 | front | f | – | no | perhaps |", "not a row")

    def test_a_document_without_the_table(self):
        self.assertIn("docs/architecture.md: no floor table",
                      self.check({"docs/architecture.md": "# Architecture\n"}))


if __name__ == "__main__":
    unittest.main()

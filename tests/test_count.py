# SPDX-License-Identifier: MIT
"""Tests of count.py with small logs, written as meson and CMocka write them."""

import contextlib
import io
import json
import os
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import count  # noqa: E402


def cmocka(*cases):
    """The standard output of a CMocka program; a case without an end crashed."""
    lines = [f"[==========] Running {len(cases)} test(s)."]
    for name, end in cases:
        lines.append(f"[ RUN      ] {name}")
        if end:
            lines.append(f"[{end:^10}] {name}")
    return "\n".join(lines) + "\n"


def entry(name, result, stdout=""):
    return {"name": name, "result": result, "stdout": stdout, "returncode": 0}


class CountTest(unittest.TestCase):
    def run_main(self, *logs):
        """Runs main() over the logs: lists of entries, or text. Returns (status, lines)."""
        with tempfile.TemporaryDirectory() as top:
            paths = []
            for number, log in enumerate(logs):
                directory = os.path.join(top, f"build-{number}", "meson-logs")
                os.makedirs(directory)
                paths.append(os.path.join(directory, "testlog.json"))
                with open(paths[-1], "w", encoding="utf-8") as file:
                    if isinstance(log, str):
                        file.write(log)
                    else:
                        file.writelines(json.dumps(test) + "\n" for test in log)
            return self.run_paths(paths)

    def run_paths(self, paths):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            status = count.main(paths)
        return status, out.getvalue().splitlines()

    def test_cases_count_one_by_one(self):
        log = [entry("x:unit / list", "OK", cmocka(("a", "      OK"), ("b", "      OK")))]
        self.assertEqual(self.run_main(log), (0, ["2 passed, 0 failed"]))

    def test_other_tests_count_once(self):
        log = [entry("x:lint / tree", "OK", "some words\n"), entry("x / expected", "EXPECTEDFAIL")]
        self.assertEqual(self.run_main(log), (0, ["2 passed, 0 failed"]))

    def test_a_failed_case_is_named(self):
        stdout = cmocka(("a", "      OK"), ("b", "FAILED"), ("c", "SKIPPED"))
        status, lines = self.run_main([entry("x:unit / list", "FAIL", stdout)])
        self.assertEqual(status, 1)
        self.assertEqual(lines[0], "failed: build-0: x:unit / list: b")
        self.assertEqual(lines[-1], "1 passed, 1 failed, 1 skipped")

    def test_a_case_that_crashed_failed(self):
        stdout = cmocka(("a", "      OK"), ("b", None))
        status, lines = self.run_main([entry("x:unit / list", "FAIL", stdout)])
        self.assertEqual((status, lines[-1]), (1, "1 passed, 1 failed"))

    def test_a_case_that_ended_the_program_with_success_failed(self):
        status, lines = self.run_main([entry("x / list", "OK", cmocka(("a", None)))])
        self.assertEqual((status, lines[-1]), (1, "0 passed, 1 failed"))

    def test_a_failed_case_counts_though_the_program_says_ok(self):
        status, lines = self.run_main([entry("x / list", "OK", cmocka(("a", "FAILED")))])
        self.assertEqual((status, lines[-1]), (1, "0 passed, 1 failed"))

    def test_a_program_that_fails_outside_of_its_cases_failed(self):
        status, lines = self.run_main([entry("x / list", "FAIL", cmocka(("a", "      OK")))])
        self.assertEqual(status, 1)
        self.assertEqual(lines, ["failed: build-0: x / list: fail outside of its cases",
                                 "1 passed, 1 failed"])

    def test_equal_names_in_two_groups_are_two_cases(self):
        stdout = cmocka(("a", "      OK")) + cmocka(("a", "      OK"))
        self.assertEqual(self.run_main([entry("x / list", "OK", stdout)])[1][-1],
                         "2 passed, 0 failed")

    def test_every_other_end_is_a_failure(self):
        ends = ["FAIL", "ERROR", "TIMEOUT", "INTERRUPT", "UNEXPECTEDPASS", "news"]
        status, lines = self.run_main([entry(f"t{end}", end) for end in ends])
        self.assertEqual((status, lines[-1]), (1, f"0 passed, {len(ends)} failed"))

    def test_logs_are_added_up(self):
        one = [entry("x / a", "OK")]
        two = [entry("x / a", "OK"), entry("x / b", "SKIP")]
        self.assertEqual(self.run_main(one, two), (0, ["2 passed, 0 failed, 1 skipped"]))

    def test_nothing_passed_is_no_success(self):
        self.assertEqual(self.run_paths([]), (1, ["0 passed, 0 failed"]))
        self.assertEqual(self.run_main([])[0], 1)
        self.assertEqual(self.run_main([entry("x / a", "SKIP")]),
                         (1, ["0 passed, 0 failed, 1 skipped"]))

    def test_a_missing_log_is_a_failure(self):
        status, lines = self.run_paths([os.path.join(os.sep, "no", "such", "log")])
        self.assertEqual((status, lines[-1]), (1, "0 passed, 1 failed"))

    def test_a_damaged_log_is_a_failure(self):
        good = json.dumps(entry("x / a", "OK")) + "\n"
        for bad in ('{"name": "x', "[]\n", "{}\n", "nonsense\n"):
            status, lines = self.run_main(good + bad)
            self.assertEqual((status, lines[-1]), (1, "1 passed, 1 failed"), bad)


if __name__ == "__main__":
    unittest.main()

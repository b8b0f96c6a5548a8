#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counts what passed and failed in the test logs of meson (meson-logs/testlog.json).

A CMocka program counts by its cases, any other test once. The failing ones are listed, and the
last line is "N passed, N failed", with ", N skipped" when some were. The exit status is 0 only
when something passed and nothing failed; a log that is missing or damaged is a failure.
"""

import collections
import json
import os
import re
import sys

Count = collections.namedtuple("Count", "passed failed skipped")

# How one test of meson ended; every other word (FAIL, ERROR, TIMEOUT, INTERRUPT, UNEXPECTEDPASS)
# is a failure.
GOOD = ("OK", "EXPECTEDFAIL")
SKIPPED = ("SKIP", "IGNORED")

CASE_LINE = re.compile(r"^\[ *(RUN|OK|FAILED|SKIPPED|ERROR) *\] (.+)$", re.MULTILINE)


def cases(stdout):
    """The cases of a CMocka program: (name, "OK" | "SKIPPED" | "FAILED") in order.

    A case that began and was never reported ended the program, and so failed.
    """
    found = []
    for word, name in CASE_LINE.findall(stdout):
        if word == "RUN":
            found.append((name, "FAILED"))
        elif found and found[-1][0] == name and word in ("OK", "SKIPPED"):
            found[-1] = (name, word)
    return found


def count_test(test):
    """Counts one entry of a log; returns (Count, names of what failed)."""
    found = cases(test.get("stdout", ""))
    good = test["result"] in GOOD
    skipped = test["result"] in SKIPPED
    if not found:
        bad = not good and not skipped
        return Count(int(good), int(bad), int(skipped)), [test["name"]] if bad else []
    ends = collections.Counter(end for _, end in found)
    failures = [f"{test['name']}: {name}" for name, end in found if end == "FAILED"]
    if not good and not skipped and not failures:
        # Every case passed and the program did not: a leak, a crash at exit, a timeout.
        failures = [f"{test['name']}: {test['result'].lower()} outside of its cases"]
    return Count(ends["OK"], len(failures), ends["SKIPPED"]), failures


def count_log(path):
    """Counts a log; returns (Count, names of what failed)."""
    total = Count(0, 0, 0)
    failures = []
    try:
        with open(path, encoding="utf-8", errors="replace") as log:
            for line in log:
                count, names = count_test(json.loads(line))
                total = Count(*map(sum, zip(total, count)))
                failures += names
    except OSError:
        return Count(0, 1, 0), [f"{path}: no log: not built, or not run"]
    except (ValueError, KeyError, TypeError, AttributeError):
        total = total._replace(failed=total.failed + 1)
        failures.append(f"{path}: damaged")
    return total, failures


def summary(total):
    """The last line."""
    text = f"{total.passed} passed, {total.failed} failed"
    return text + (f", {total.skipped} skipped" if total.skipped else "")


def main(paths):
    total = Count(0, 0, 0)
    for path in paths:
        count, failures = count_log(path)
        total = Count(*map(sum, zip(total, count)))
        build = os.path.basename(os.path.dirname(os.path.dirname(path)))
        for name in failures:
            print(f"failed: {build}: {name}")
    print(summary(total))
    return 0 if total.passed and not total.failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

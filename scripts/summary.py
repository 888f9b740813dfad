#!/usr/bin/python3
"""Adds up the results of ./test.

Usage: summary.py RESULTS. RESULTS holds one folder a suite, in the order of their names, with
  ctest.xml       JUnit of ctest, and gtest/*.xml with the cases inside the test programs
  pytest.xml      JUnit of pytest
  check.txt       "passed" or "failed: why": a suite that is one check
  status          the exit status of the suite's command; without it the suite died
Prints a line a suite, then the plain line "N passed, N failed"; status 1 if anything failed or nothing ran.
"""
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path


class Counts:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.failures = []

    def fail(self, name):
        self.failed += 1
        self.failures.append(name)

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.failures += other.failures


def count_junit(path):
    counts = Counts()
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name = f"{case.get('classname', '')}.{case.get('name', '')}".lstrip(".")
        if case.find("failure") is not None or case.find("error") is not None:
            counts.fail(name)
        elif case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
            counts.skipped += 1
        else:
            counts.passed += 1
    return counts


def count_ctest(folder):
    """Test programs count by their cases; one that died, or has none, counts as itself."""
    counts = Counts()
    for case in ElementTree.parse(folder / "ctest.xml").getroot().iter("testcase"):
        name, failed = case.get("name"), case.get("status") != "run"
        inside = folder / "gtest" / f"{name.replace('/', '_')}_tests.xml"
        cases = Counts()
        if inside.exists():
            try:
                cases = count_junit(inside)
            except ElementTree.ParseError:
                failed = True
        counts.add(cases)
        if failed and cases.failed == 0:
            counts.fail(name)
        elif not failed and cases.passed + cases.failed + cases.skipped == 0:
            counts.passed += 1
    return counts


def count_suite(folder):
    counts, found = Counts(), False
    for name, count in (("ctest.xml", lambda: count_ctest(folder)), ("pytest.xml", lambda: count_junit(folder / "pytest.xml"))):
        if (folder / name).exists():
            found = True
            try:
                counts.add(count())
            except ElementTree.ParseError as error:
                counts.fail(f"{name} is not readable: {error}")
    if (folder / "check.txt").exists():
        found = True
        verdict = (folder / "check.txt").read_text().strip()
        if verdict == "passed":
            counts.passed += 1
        else:
            counts.fail(verdict.removeprefix("failed: "))
    status = (folder / "status").read_text().strip() if (folder / "status").exists() else "none"
    if counts.failed == 0 and (status != "0" or not found):
        counts.fail("the suite ended before it was done" if status in ("0", "none") else f"the suite ended with status {status}")
    return counts


def main(arguments):
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    total = Counts()
    print()
    for folder in sorted(path for path in Path(arguments[0]).iterdir() if path.is_dir()):
        counts = count_suite(folder)
        name = folder.name.split("-", 1)[-1]
        skipped = f", {counts.skipped} skipped" if counts.skipped else ""
        print(f"{name:24} {counts.passed:5} passed, {counts.failed} failed{skipped}")
        for failure in counts.failures[:20]:
            print(f"    {failure}")
        if len(counts.failures) > 20:
            print(f"    and {len(counts.failures) - 20} more")
        total.add(counts)
    print()
    print(f"{total.passed} passed, {total.failed} failed")
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

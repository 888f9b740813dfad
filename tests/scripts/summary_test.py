"""The sums that ./test ends with: nothing that died may look like something that passed."""
import contextlib
import io
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
import summary

CASE = '<testcase classname="c" name="{}">{}</testcase>'


class SummaryTest(unittest.TestCase):
    def last_line(self, suites):
        """suites: name -> {file: text}. The last line printed, and the status."""
        with tempfile.TemporaryDirectory() as root:
            for suite, files in suites.items():
                for name, text in files.items():
                    path = Path(root, suite, name)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(text)
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                status = summary.main([root])
            return out.getvalue().splitlines()[-1], status

    def test_adds_up_all_suites(self):
        pytest = "<testsuites><testsuite>" + CASE.format("a", "") + CASE.format("b", "<skipped/>") + "</testsuite></testsuites>"
        suites = {"01-sqlite": {"pytest.xml": pytest, "status": "0"}, "02-golden": {"check.txt": "passed\n", "status": "0"}}
        self.assertEqual(self.last_line(suites), ("2 passed, 0 failed", 0))

    def test_counts_the_cases_inside_test_programs(self):
        ctest = '<testsuite><testcase name="surfaces/stems" status="run"/><testcase name="arrows" status="run"/></testsuite>'
        gtest = "<testsuites>" + CASE.format("a", "") * 3 + "</testsuites>"
        suites = {"01-unit": {"ctest.xml": ctest, "gtest/surfaces_stems_tests.xml": gtest, "status": "0"}}
        self.assertEqual(self.last_line(suites), ("4 passed, 0 failed", 0))

    def test_counts_a_program_that_died_after_its_cases_passed(self):
        ctest = '<testsuite><testcase name="sql" status="fail"><failure/></testcase></testsuite>'
        gtest = "<testsuites>" + CASE.format("a", "") + "</testsuites>"
        suites = {"01-unit": {"ctest.xml": ctest, "gtest/sql_tests.xml": gtest, "status": "8"}}
        self.assertEqual(self.last_line(suites), ("1 passed, 1 failed", 1))

    def test_counts_failed_cases_once(self):
        ctest = '<testsuite><testcase name="sql" status="fail"><failure/></testcase></testsuite>'
        gtest = "<testsuites>" + CASE.format("a", "<failure/>") * 2 + "</testsuites>"
        suites = {"01-unit": {"ctest.xml": ctest, "gtest/sql_tests.xml": gtest, "status": "8"}}
        self.assertEqual(self.last_line(suites), ("0 passed, 2 failed", 1))

    def test_counts_a_suite_that_died_as_failed(self):
        for files in ({"log.txt": ""}, {"status": "0"}, {"pytest.xml": "<testsuites", "status": "0"}, {"status": "124"}):
            line, status = self.last_line({"01-sqlite": files})
            self.assertEqual((line, status), ("0 passed, 1 failed", 1), files)

    def test_nothing_at_all_is_no_success(self):
        self.assertEqual(self.last_line({}), ("0 passed, 0 failed", 1))


if __name__ == "__main__":
    unittest.main()

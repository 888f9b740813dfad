"""The arrows check, fed with trees that are wrong in one way each."""
import tempfile
import unittest
from pathlib import Path

import arrows


class ArrowsTest(unittest.TestCase):
    def problems(self, files, declared):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                path = Path(folder) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            return arrows.check(folder, declared)

    def test_a_tree_that_declares_what_it_includes_passes(self):
        files = {
            "pch.h": '#include "base/result.h"\n',
            "base/result.h": "",
            "sql/database.h": '#include <vector>\n  #  include "base/result.h"\n#include "sql/row.h"\n',
            "sql/row.h": "",
            "engines/separation/run.cc": '#include "engine/engine.h"\n',
            "engine/engine.h": '#include "base/result.h"\n',
            "sql/tests/database_test.cc": '#include "engine/engine.h"\n',
            "sql/testing/kit.h": '#include "sql/database.h"\n#include "engine/engine.h"\n',
        }
        declared = "base: \nsql: base\nsql/testing: sql\nengine: base\nengines/separation: engine\n"
        self.assertEqual(self.problems(files, declared), [])

    def test_an_include_that_is_not_declared_is_found(self):
        files = {"base/a.h": "", "sql/b.cc": '#include "base/a.h"\n'}
        self.assertEqual(
            self.problems(files, "base: \nsql: \n"),
            ["sql -> base is not in the DEPENDS of sql (sql/b.cc includes base/a.h)"],
        )

    def test_a_dependency_that_nothing_uses_is_found(self):
        files = {"base/a.h": "", "sql/b.cc": ""}
        self.assertEqual(self.problems(files, "base: \nsql: base\n"), ["sql -> base is declared, but no file includes it"])

    def test_an_arrow_that_points_up_is_found(self):
        files = {"base/a.h": '#include "sql/b.h"\n', "sql/b.h": ""}
        self.assertEqual(self.problems(files, "base: sql\nsql: \n"), ["base -> sql points up"])

    def test_domain_folders_do_not_reach_for_http(self):
        files = {"http/m.h": "", "identity/a.h": '#include "http/m.h"\n', "api/b.h": '#include "http/m.h"\n'}
        problems = self.problems(files, "http: \nidentity: http\napi: http\n")
        self.assertEqual(len(problems), 1)
        self.assertIn("identity -> http reaches", problems[0])

    def test_surfaces_and_engines_do_not_know_each_other(self):
        files = {
            "surfaces/stems/a.h": "",
            "surfaces/tunes/b.h": '#include "surfaces/stems/a.h"\n',
            "sql/c.h": "",
            "engines/onnx/d.h": '#include "sql/c.h"\n',
        }
        problems = self.problems(files, "surfaces/stems: \nsurfaces/tunes: surfaces/stems\nsql: \nengines/onnx: sql\n")
        self.assertEqual(len(problems), 2, problems)
        for problem in problems:
            self.assertIn("must not know each other", problem)

    def test_a_ring_is_found(self):
        files = {"jobs/a.h": '#include "objects/b.h"\n', "objects/b.h": '#include "jobs/a.h"\n'}
        self.assertIn("ring: jobs -> objects -> jobs", self.problems(files, "jobs: objects\nobjects: jobs\n")[0])

    def test_a_folder_without_a_declaration_is_found(self):
        problems = self.problems({"stray/a.h": ""}, "base: \n")
        self.assertEqual(problems, ["stray/a.h lies in no folder that CMake declares"])

    def test_a_folder_without_a_layer_is_found(self):
        files = {"base/a.h": "", "novelty/b.h": '#include "base/a.h"\n'}
        self.assertIn("no layer", self.problems(files, "base: \nnovelty: base\n")[0])


if __name__ == "__main__":
    unittest.main()

"""scripts/packages.sh and docs/dependencies.md name the same packages."""
import re
import subprocess
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SETS = ["build", "test", "all", "bench", "sample"]


class PackagesTest(unittest.TestCase):
    def listed(self):
        script = ROOT / "scripts" / "packages.sh"
        return subprocess.run([script, "list", *SETS], check=True, capture_output=True, text=True).stdout.split()

    def test_every_package_is_explained_and_every_explained_package_is_listed(self):
        listed = self.listed()
        self.assertEqual(len(listed), len(set(listed)))
        rows = re.findall(r"^\| `([^`]+)` \|", (ROOT / "docs" / "dependencies.md").read_text(), re.MULTILINE)
        elsewhere = {"npm", "swagger-ui-dist", "redoc", "com.github.asus4.onnxruntime"}
        self.assertEqual(set(listed), set(rows) - elsewhere)

    def test_misuse_is_told(self):
        done = subprocess.run([ROOT / "scripts" / "packages.sh"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("install SET", done.stdout)


if __name__ == "__main__":
    unittest.main()

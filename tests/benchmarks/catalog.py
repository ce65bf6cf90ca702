"""The action catalog on a generated registry: `catalog.py REPOSITORIES` prints seconds and memory.

The registry is a process of its own that makes its content up when it is asked: ten tags a repository, each an image
with a configuration of its own, a layer of its own and one that the repository shares.
"""

import hashlib
import http.server
import json
import multiprocessing
import pathlib
import resource
import shutil
import sys
import tempfile
import threading
import time
from urllib.parse import parse_qs, urlsplit

import hooks

TAGS = 10
OCI = "application/vnd.oci.image.manifest.v1+json"
CREATED = json.dumps({"created": "2026-01-02T03:04:05Z"}).encode()


def blob(text, size):
    return {"digest": f"sha256:{hashlib.sha256(text.encode()).hexdigest()}", "size": size, "mediaType": "x/y"}


def manifest(repository, tag):
    layers = [blob(repository, 1_000_000), blob(f"{repository}:{tag}", 1_000)]
    config = blob(f"config {repository}:{tag}", len(CREATED))
    return json.dumps({"schemaVersion": 2, "mediaType": OCI, "config": config, "layers": layers}).encode()


def digest(data):
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def names(number):
    return [f"team/app-{index:06}" for index in range(number)]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    number = 0

    def do_GET(self):
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        headers = {}
        if parts.path == "/v2/_catalog":
            first = int(query["last"][0].rpartition("-")[2]) + 1 if "last" in query else 0
            page = names(self.number)[first : first + int(query["n"][0])]
            if first + len(page) < self.number:
                headers["Link"] = f'<{parts.path}?last={page[-1]}&n={query["n"][0]}>; rel="next"'
            body = json.dumps({"repositories": page}).encode()
        elif parts.path.endswith("/tags/list"):
            body = json.dumps({"tags": [f"1.{tag}" for tag in range(TAGS)]}).encode()
        elif "/manifests/" in parts.path:
            repository, _, tag = parts.path[4:].partition("/manifests/")
            body = manifest(repository, tag)
            headers |= {"Content-Type": OCI, "Docker-Content-Digest": digest(body)}
        else:
            body = CREATED
        self.send_response(200)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def serve(number, pipe):
    Handler.number = number
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    pipe.send(f"http://127.0.0.1:{server.server_port}")
    pipe.recv()


def marked(number):
    """What garbage-collect --dry-run prints of it, line by line."""
    for name in names(number):
        for tag in range(TAGS):
            yield f"{name}: marking manifest {digest(manifest(name, f'1.{tag}'))} "
    yield "1 blobs marked, 0 blobs and 0 manifests eligible for deletion"


def measure(number, url):
    """Return what the action costs: seconds, and MiB of memory before and at most."""
    folder = pathlib.Path(tempfile.mkdtemp())
    try:
        charm, _ = hooks.deployed(folder)
        from actions.table import ACTIONS
        from charms.layer import context

        machine = context.machine
        machine.registry_url = url
        machine.engine.log_lines = lambda name: marked(number)
        outputs = folder / "output"
        outputs.mkdir()
        machine.records.open_output = lambda name: (outputs / name).open("w")  # on disk, as on a machine
        before, begin = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
        results = charm.action("catalog", ACTIONS, match="", output="table", untagged=True)
        seconds = time.monotonic() - begin
        assert (results["repositories"], results["images"]) == (str(number), str(TAGS * number)), results
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return {"seconds": seconds, "before": before / 1024, "most": most / 1024}
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    count = int(sys.argv[1])
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("fork").Process(target=serve, args=(count, theirs), daemon=True)
    server.start()
    output, sys.stdout = sys.stdout, sys.stderr
    print(json.dumps(measure(count, ours.recv())), file=output)
    ours.send("end")

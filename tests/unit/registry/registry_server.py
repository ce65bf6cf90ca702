"""A registry in memory behind a real HTTP server, for the clients of `registry.client.content`."""

import hashlib
import http.server
import json
import re
import threading
from urllib.parse import parse_qs, urlsplit

OCI = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


def digest_of(data):
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class MemoryRegistry:
    """Repositories, and what was requested of them."""

    def __init__(self, page=1000):
        self.page = page
        self.tags = {}  # repository -> tag -> digest
        self.manifests = {}  # repository -> digest -> (media type, bytes)
        self.blobs = {}  # digest -> bytes
        self.requests = []
        self.deletes = True
        self.upload = b""  # the parts of the one that is sent in parts
        self.first = lambda method, path, headers: None
        """Set by a test: is called before each answer, and what it returns is the answer, unless that is None."""

    def blob(self, data):
        data = data if isinstance(data, bytes) else json.dumps(data).encode()
        self.blobs[digest_of(data)] = data
        return {"digest": digest_of(data), "size": len(data), "mediaType": "application/octet-stream"}

    def put(self, repository, document, tag=None, kind=OCI):
        """Put a manifest; return its descriptor."""
        data = json.dumps({"schemaVersion": 2, "mediaType": kind, **document}).encode()
        self.manifests.setdefault(repository, {})[digest_of(data)] = (kind, data)
        self.tags.setdefault(repository, {})
        if tag:
            self.tags[repository][tag] = digest_of(data)
        return {"digest": digest_of(data), "size": len(data), "mediaType": kind}

    def image(self, repository, tag=None, *layers, created="2026-01-02T03:04:05Z", subject=None, **config):
        """Put an image of *layers*, texts."""
        named = [self.blob(layer.encode()) for layer in layers or ("layer",)]
        document = {"config": self.blob({"created": created, **config}), "layers": named}
        return self.put(repository, {**document, **({"subject": subject} if subject else {})}, tag)

    def index(self, repository, tag, **children):
        """Put an index; *children* by architecture."""
        entries = [
            {**child, "platform": {"os": "linux", "architecture": architecture}}
            for architecture, child in children.items()
        ]
        return self.put(repository, {"manifests": entries}, tag, INDEX)

    def answer(self, method, path, accept="", body=b"", kind=""):
        """Return status, headers and body."""
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/v2/_catalog":
            return self._page(sorted(self.tags), "repositories", parts.path, query)
        if match := re.fullmatch(r"/v2/(.+)/tags/list", parts.path):
            if match[1] not in self.tags:
                return 404, {}, b"{}"
            return self._page(sorted(self.tags[match[1]]), "tags", parts.path, query)
        if match := re.fullmatch(r"/v2/(.+)/blobs/(.+)", parts.path):
            return self._blob(method, match[1], match[2], path, query, body)
        if match := re.fullmatch(r"/v2/(.+)/manifests/(.+)", parts.path):
            if method == "PUT":
                self.manifests.setdefault(match[1], {}).setdefault(digest_of(body), (kind, body))
                tags = self.tags.setdefault(match[1], {})
                tags |= {match[2]: digest_of(body)} if ":" not in match[2] else {}
                return 201, {}, b""
            return self._manifest(method, match[1], match[2], accept)
        return 200, {}, b"{}"

    def _blob(self, method, repository, name, path, query, body):
        if method == "POST":
            return 202, {"Location": f"/v2/{repository}/blobs/uploads/one?state=two"}, b""
        if method == "PATCH":
            self.upload += body
            return 202, {"Location": path}, b""
        if method == "DELETE" and name.startswith("uploads/"):
            return 204, {}, b""
        if method == "DELETE":
            return (202, {}, b"") if self.blobs.pop(name, None) is not None else (404, {}, b"{}")
        if method == "PUT":
            body, self.upload = body or self.upload, b""
            assert query["digest"] == digest_of(body), "the registry would refuse it"
            self.blobs.setdefault(query["digest"], body)  # what is there already is not stored again
            return 201, {}, b""
        data = self.blobs.get(name)
        return (200, {}, data) if data is not None else (404, {}, b"{}")

    def _manifest(self, method, repository, reference, accept):
        digest = self.tags.get(repository, {}).get(reference, reference)
        if not digest:  # the file with the digest of the tag is empty
            return 500, {}, b"{}"
        kind, data = self.manifests.get(repository, {}).get(digest, ("", None))
        if data is None:
            return 404, {}, b"{}"
        if not data and method != "DELETE":
            return 500, {}, b"{}"
        if method == "DELETE":
            if not self.deletes:
                return 405, {}, b"{}"
            del self.manifests[repository][digest]
            self.tags[repository] = {tag: one for tag, one in self.tags[repository].items() if one != digest}
            return 202, {}, b""
        assert kind in accept, "the registry would convert it"
        return 200, {"Content-Type": kind, "Docker-Content-Digest": digest}, data

    def _page(self, names, key, path, query):
        last, count = query.get("last", ""), int(query.get("n", self.page))
        if count > self.page:
            return 400, {}, b"{}"
        rest = [name for name in names if name > last]
        headers = {}
        if len(rest) > count:
            headers["Link"] = f'<{path}?last={rest[count - 1]}&n={count}>; rel="next"'
        return 200, headers, json.dumps({key: rest[:count] or None}).encode()


class MemoryRegistry3(MemoryRegistry):
    """As registry 3.1 answers: it deletes tags, and lists at most *max_tags* of them a page.

    https://github.com/distribution/distribution/blob/v3.1.1/registry/handlers/tags.go, manifests.go there.
    """

    def __init__(self, page=1000, max_tags=1000):
        super().__init__(page)
        self.max_tags = max_tags
        self.keeps_folders = True  # of tags, when the last one was deleted: an object store has none

    def answer(self, method, path, accept="", body=b"", kind=""):
        parts = urlsplit(path)
        if match := re.fullmatch(r"/v2/(.+)/tags/list", parts.path):
            if not (self.tags.get(match[1]) or (self.keeps_folders and match[1] in self.tags)):
                return self._error(404, "NAME_UNKNOWN", "repository name not known to registry")
            if int(parse_qs(parts.query).get("n", ["0"])[0]) > self.max_tags:
                return self._error(400, "PAGINATION_NUMBER_INVALID", "invalid number of results requested")
        if method == "DELETE" and (match := re.fullmatch(r"/v2/(.+)/manifests/([^:]+)", parts.path)):
            if not self.deletes:
                return self._error(405, "UNSUPPORTED", "The operation is unsupported.")
            if self.tags.get(match[1], {}).pop(match[2], None) is None:
                return self._error(404, "MANIFEST_UNKNOWN", "manifest unknown")
            return 202, {}, b""
        return super().answer(method, path, accept, body, kind)

    @staticmethod
    def _error(status, code, message):
        return status, {}, json.dumps({"errors": [{"code": code, "message": message}]}).encode()


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """Say nothing of clients that do not trust the certificate."""


def serve(registry, tls=None):
    """Start a server for *registry*, with TLS if there is a context for it; return it, and its URL."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = 1 << 16  # one packet for each answer: a second one would wait for the acknowledgement

        def _answer(self):
            registry.requests.append((self.command, self.path))
            accept, kind = self.headers.get("Accept", ""), self.headers.get("Content-Type", "")
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            first = registry.first(self.command, self.path, self.headers)
            status, headers, body = first or registry.answer(self.command, self.path, accept, body, kind)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_DELETE = do_HEAD = do_PATCH = do_POST = do_PUT = _answer

        def log_message(self, *args):
            pass

    server = Server(("127.0.0.1", 0), Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    return server, f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"

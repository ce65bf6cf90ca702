"""Docker's API on a socket, as a table of answers."""

import contextlib
import http.server
import json
import re
import socketserver


class Daemon(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Answers as told: `answers["POST /containers/x/start"] = (500, {"message": ...})`; what is not told is 200, {}.

    `calls` has the requests as they came, `bodies` what was sent with them.
    """

    daemon_threads = True

    def __init__(self, path):
        self.answers, self.calls, self.bodies = {}, [], {}
        super().__init__(path, Handler)

    def get_request(self):
        request, _ = super().get_request()
        return request, ("docker", 0)


class Handler(http.server.BaseHTTPRequestHandler):
    def _answer(self):
        path, _, query = self.path.partition("?")
        call = f"{self.command} {re.sub('^/v[0-9.]+', '', path)}"
        daemon = self.server
        daemon.calls.append(f"{call}?{query}" if query else call)
        daemon.bodies[call] = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, body = daemon.answers.get(call, (200, {}))
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        with contextlib.suppress(BrokenPipeError):  # not all that is said is read
            self.wfile.write(data)

    do_GET = do_POST = do_DELETE = _answer

    def log_message(self, *args):
        pass

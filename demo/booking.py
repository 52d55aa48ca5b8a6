"""A sample booking API, as a user would write it: it verifies the signature and books.

Run as ``python -m demo.booking PORT SECRET_FILE LOG_FILE``. The secret is read when the first
request comes, because it is known only once the action has been created. Each request is a line
of JSON in the log.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

SECRET_FILE = Path()
LOG_FILE = Path()


def signature_is_valid(body: bytes, signature: str, secret: str) -> bool:
    """Tell whether ``signature`` is the base64 HMAC-SHA256 of the body under the base64 secret."""
    expected = hmac.new(base64.b64decode(secret), body, hashlib.sha256).digest()
    return hmac.compare_digest(base64.b64encode(expected).decode(), signature)


class Booking(BaseHTTPRequestHandler):
    """Answers one kind of request."""

    def do_POST(self) -> None:
        """Verify, book, answer."""
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        secret = SECRET_FILE.read_text().strip()
        verified = signature_is_valid(body, self.headers.get("x-vocode-signature", ""), secret)
        request = json.loads(body)
        with LOG_FILE.open("a") as log:
            log.write(json.dumps({"verified": verified, **request}) + "\n")
        if not verified:
            self._answer(401, {"detail": "bad signature"})
            return
        wanted = request["payload"]
        length = "thirty minutes" if wanted["length"] == "30m" else "one hour"
        hour, minute, half = wanted["time"][:2], wanted["time"][3:5], wanted["time"][5:]
        self._answer(
            200,
            {
                "result": {"success": True},
                "agent_message": f"Your appointment tomorrow at {int(hour)}:{minute} {half} "
                f"for {length} is in the calendar.",
            },
        )

    def _answer(self, status: int, content: object) -> None:
        payload = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, format: str, *args: object) -> None:
        """Keep the terminal for the conversation."""


def main() -> None:
    """Serve until killed."""
    global SECRET_FILE, LOG_FILE
    port, secret, log = sys.argv[1:4]
    SECRET_FILE, LOG_FILE = Path(secret), Path(log)
    HTTPServer(("127.0.0.1", int(port)), Booking).serve_forever()


if __name__ == "__main__":
    main()

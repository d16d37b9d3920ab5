"""Shouter: says everything in capitals, or in kebab-case when asked to. It has no card and no Dockerfile."""

import json
import os
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from slugify import slugify

MAX_BODY = 1024 * 1024


def shout(text):
    command, _, rest = text.partition(" ")
    if command.lower() == "slug":
        return slugify(rest)
    return text.upper()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024
    timeout = 300

    def do_GET(self):
        self.answer(200 if self.path == "/health" else 404, {"agent": "shouter"})

    def do_POST(self):
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_BODY:
            self.close_connection = True
            return self.answer(413, {"error": "too large"})
        try:
            call = json.loads(self.rfile.read(length))
            call_id = call.get("id")
        except (ValueError, AttributeError):
            return self.fail(None, -32700, "Invalid JSON payload")
        if call.get("method") != "message/send":
            return self.fail(call_id, -32601, "Method not found")
        try:
            message = call["params"]["message"]
            text = "".join(part.get("text", "") for part in message["parts"])
        except (KeyError, TypeError, AttributeError):
            return self.fail(call_id, -32602, "Invalid params")
        said = {
            "kind": "message",
            "messageId": str(uuid.uuid4()),
            "role": "agent",
            "contextId": message.get("contextId"),
            "parts": [{"kind": "text", "text": shout(text)}],
        }
        self.answer(200, {"jsonrpc": "2.0", "id": call_id, "result": said})

    def fail(self, call_id, code, message):
        error = {"code": code, "message": message}
        self.answer(200, {"jsonrpc": "2.0", "id": call_id, "error": error})

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format, *args):
        pass


if __name__ == "__main__":
    address = (os.environ.get("HOST") or "127.0.0.1", int(os.environ.get("PORT") or 8000))
    print(f"shouter listens on http://{address[0]}:{address[1]}", flush=True)
    ThreadingHTTPServer(address, Handler).serve_forever()

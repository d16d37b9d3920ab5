"""__NAME__: an A2A agent that answers word by word. Change `answer`; the rest speaks the protocol."""

import json
import os
import signal
import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def answer(text: str, conversation: str) -> Iterator[str]:
    """What the agent says to `text`, piece by piece. The same `conversation` comes with every message of one."""
    yield "You said:"
    for word in text.split():
        yield f" {word}"


MAX_BODY = 4 * 1024 * 1024


def card(host: str) -> dict:
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "AgentCard.json"), encoding="utf-8") as file:
        return {**json.load(file), "url": f"http://{host}/"}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path in ("/.well-known/agent-card.json", "/.well-known/agent.json"):
            self.reply(200, card(self.headers.get("Host", "localhost")))
        elif self.path == "/health":
            self.reply(200, {"status": "ok"})
        else:
            self.reply(404, {"error": "not found"})

    def do_POST(self):
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_BODY:
            self.close_connection = True
            return self.reply(413, {"error": "too large"})
        try:
            call = json.loads(self.rfile.read(length))
        except ValueError:
            return self.error(None, -32700, "Invalid JSON payload")
        message = (call.get("params") or {}).get("message") or {}
        text = "\n".join(part["text"] for part in message.get("parts", []) if isinstance(part.get("text"), str))
        task = {"taskId": str(uuid.uuid4()), "contextId": message.get("contextId") or str(uuid.uuid4())}
        if call.get("method") == "message/stream":
            self.stream(call.get("id"), task, answer(text, task["contextId"]))
        elif call.get("method") == "message/send":
            said = "".join(answer(text, task["contextId"]))
            self.reply(200, result(call.get("id"), {
                "kind": "task",
                "id": task["taskId"],
                "contextId": task["contextId"],
                "status": {"state": "completed"},
                "artifacts": [artifact(said)],
            }))
        else:
            self.error(call.get("id"), -32601, "Method not found")

    def stream(self, call_id, task, pieces):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-cache")
        self.send_header("Connection", "close")
        self.end_headers()
        self.event(call_id, {"kind": "status-update", **task, "status": {"state": "working"}, "final": False})
        for index, piece in enumerate(pieces):
            self.event(call_id, {"kind": "artifact-update", **task, "artifact": artifact(piece), "append": index > 0})
        self.event(call_id, {"kind": "status-update", **task, "status": {"state": "completed"}, "final": True})

    def event(self, call_id, update):
        self.wfile.write(b"data: " + json.dumps(result(call_id, update)).encode() + b"\n\n")
        self.wfile.flush()

    def error(self, call_id, code, message):
        self.reply(200, {"jsonrpc": "2.0", "id": call_id, "error": {"code": code, "message": message}})

    def reply(self, status, document):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *arguments):
        pass


def result(call_id, value):
    return {"jsonrpc": "2.0", "id": call_id, "result": value}


def artifact(text):
    return {"artifactId": "answer", "parts": [{"kind": "text", "text": text}]}


def main():
    address = (os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "8000")))
    server = ThreadingHTTPServer(address, Handler)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"listening on {address[0]}:{address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()

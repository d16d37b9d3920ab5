"""__NAME__: an A2A agent in Python's standard library. Change `answer`; the rest speaks the protocol."""

import json
import os
import signal
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def answer(text: str, conversation: str) -> str:
    """What the agent says to `text`. The same `conversation` comes with every message of a conversation."""
    return f"You said: {text}"


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
        if call.get("method") != "message/send":
            return self.error(call.get("id"), -32601, "Method not found")
        message = (call.get("params") or {}).get("message") or {}
        text = "\n".join(part["text"] for part in message.get("parts", []) if isinstance(part.get("text"), str))
        conversation = message.get("contextId") or str(uuid.uuid4())
        self.reply(200, {"jsonrpc": "2.0", "id": call.get("id"), "result": {
            "kind": "message",
            "role": "agent",
            "messageId": str(uuid.uuid4()),
            "contextId": conversation,
            "parts": [{"kind": "text", "text": answer(text, conversation)}],
        }})

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


def main():
    address = (os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "8000")))
    server = ThreadingHTTPServer(address, Handler)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"listening on {address[0]}:{address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()

"""A plain HTTP agent, older than A2A: POST /chat with {"message": ...}. It tells the time and does sums."""

import ast
import json
import operator
import os
import signal
import threading
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MAX_BODY = 1024 * 1024
OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.USub: operator.neg,
}

turns = {}  # session id -> messages so far
lock = threading.Lock()


def calculate(node):
    """The value of a sum; ValueError for anything else."""
    if isinstance(node, ast.Expression):
        return calculate(node.body)
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return node.value
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        return OPERATORS[type(node.op)](calculate(node.left), calculate(node.right))
    if isinstance(node, ast.UnaryOp) and type(node.op) in OPERATORS:
        return OPERATORS[type(node.op)](calculate(node.operand))
    raise ValueError("not a sum")


def reply(message, turn):
    question = message.strip().rstrip("?= ").lower().removeprefix("what is ")
    if "time" in question:
        return f"It is {datetime.now(timezone.utc):%H:%M} UTC."
    try:
        return f"{question} = {calculate(ast.parse(question, mode='eval')):g}"
    except (ValueError, SyntaxError, ArithmeticError, RecursionError, MemoryError):
        return f"Message {turn}: {message}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024
    timeout = 300

    def do_GET(self):
        known = self.path in ("/health", "/")
        self.answer(200 if known else 404, {"status": "healthy"} if known else {"detail": "Not Found"})

    def do_POST(self):
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_BODY:
            self.close_connection = True
            return self.answer(413, {"detail": "Too large"})
        body = self.rfile.read(length)
        if self.path != "/chat":
            return self.answer(404, {"detail": "Not Found"})
        try:
            request = json.loads(body)
            message, session = request["message"], str(request.get("session_id") or "default")
        except (ValueError, KeyError, TypeError, AttributeError):
            return self.answer(422, {"detail": "message is required"})
        with lock:
            turns[session] = turns.get(session, 0) + 1
            turn = turns[session]
            if len(turns) > 1000:
                del turns[next(iter(turns))]
        self.answer(200, {"response": reply(str(message), turn), "session_id": session, "turn": turn})

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


def main():
    host = os.environ.get("HOST") or "127.0.0.1"
    port = int(os.environ.get("PORT") or 8001)
    server = ThreadingHTTPServer((host, port), Handler)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"rest-capabilities listens on http://{host}:{port}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    server.server_close()


if __name__ == "__main__":
    main()

"""Greeter: an A2A agent in the standard library alone.

It greets, and remembers who it talks to within a conversation. It answers in both spellings of the
protocol (0.3 and 1.0), streams word by word, and tells its work as an OpenTelemetry span when
OTEL_EXPORTER_OTLP_ENDPOINT is set. Only what is needed to listen is imported before listening.
"""

import json
import os
import signal
import socket
import socketserver
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HERE = os.path.dirname(os.path.abspath(__file__))
WORD_PAUSE = 0.004  # seconds between two words of a stream
DRAIN_LIMIT = 10.0  # seconds that answers under way may still take when asked to stop
MAX_BODY = 4 * 1024 * 1024  # bytes
MAX_REMEMBERED = 1000  # conversations and tasks kept; the oldest go first

CARD_PATHS = ("/.well-known/agent-card.json", "/.well-known/agent.json", "/agent-card.json")


def new_id():
    hexes = os.urandom(16).hex()
    return f"{hexes[:8]}-{hexes[8:12]}-{hexes[12:16]}-{hexes[16:20]}-{hexes[20:]}"


class Memory(dict):
    """A dictionary that forgets its oldest entries."""

    def __setitem__(self, key, value):
        super().__setitem__(key, value)
        while len(self) > MAX_REMEMBERED:
            del self[next(iter(self))]


names = Memory()  # contextId -> the person's name
tasks = Memory()  # task id -> what became of it
lock = threading.Lock()

INTRODUCTIONS = ("my name is", "i am", "i'm", "call me", "this is")
NOT_NAMES = {"a", "an", "the", "not", "so", "very", "here", "fine", "back", "just", "glad", "happy"}


def introduced(text):
    """The name by which somebody introduces themselves, or None."""
    words = " ".join(text.replace("\u2019", "'").split())
    for phrase in INTRODUCTIONS:
        start = (" " + words.lower()).find(" " + phrase + " ")
        if start >= 0:
            name = words[start + len(phrase):].split()[0].strip(".,!?;:\"'")
            if name and name.lower() not in NOT_NAMES:
                return name[:1].upper() + name[1:]
    return None


def compose(text, context_id):
    """The greeting for what was said."""
    name = introduced(text)
    with lock:
        known = names.get(context_id)
        if name:
            names[context_id] = name
    if name and name != known:
        return f"Hello {name}, nice to meet you! What can I do for you today?"
    if not known:
        return "Hello! I am Greeter. What is your name?"
    if "name" in text.lower():
        return f"Your name is {known}. I would not forget that."
    return f"Hello again, {known}! You said: {text.strip() or 'nothing'}"


class Spelling:
    """The words of one dialect."""

    def __init__(self, v1):
        self.v1 = v1

    def text(self, text):
        return {"text": text} if self.v1 else {"kind": "text", "text": text}

    def state(self, word):
        return "TASK_STATE_" + word.upper().replace("-", "_") if self.v1 else word

    def message(self, text, context_id, task_id=None):
        message = {
            "messageId": new_id(),
            "role": "ROLE_AGENT" if self.v1 else "agent",
            "parts": [self.text(text)],
            "contextId": context_id,
        }
        if task_id:
            message["taskId"] = task_id
        return message if self.v1 else {"kind": "message", **message}

    def task(self, task):
        written = {
            "id": task["id"],
            "contextId": task["context"],
            "status": {"state": self.state(task["state"])},
        }
        if task.get("text"):
            written["artifacts"] = [self.artifact(task, task["text"])]
        return written if self.v1 else {"kind": "task", **written}

    def artifact(self, task, text):
        return {"artifactId": task["id"] + "-greeting", "name": "greeting", "parts": [self.text(text)]}

    def wrap(self, key, value):
        return {key: value} if self.v1 else value

    def status_update(self, task, final):
        update = {
            "taskId": task["id"],
            "contextId": task["context"],
            "status": {"state": self.state(task["state"])},
        }
        if self.v1:
            return {"statusUpdate": update}
        return {"kind": "status-update", **update, "final": final}

    def artifact_update(self, task, text, first, last):
        update = {
            "taskId": task["id"],
            "contextId": task["context"],
            "artifact": self.artifact(task, text),
            "append": not first,
            "lastChunk": last,
        }
        return {"artifactUpdate": update} if self.v1 else {"kind": "artifact-update", **update}


METHODS = {
    "message/send": ("send", False),
    "SendMessage": ("send", True),
    "message/stream": ("stream", False),
    "SendStreamingMessage": ("stream", True),
    "tasks/get": ("get", False),
    "GetTask": ("get", True),
    "tasks/cancel": ("cancel", False),
    "CancelTask": ("cancel", True),
}


class RpcError(Exception):
    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "greeter"
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024
    timeout = 300  # seconds a connection may lie idle

    def do_GET(self):
        path = self.path.split("?")[0]
        if path in CARD_PATHS:
            self.answer(200, card(self.headers.get("Host")))
        elif path in ("/", "/health"):
            self.answer(200, {"status": "ok", "agent": "greeter"})
        else:
            self.answer(404, {"error": "not found"})

    def do_POST(self):
        with self.server.under_way():
            self.call()

    def call(self):
        call_id = None
        try:
            request = self.read_request()
            call_id = request.get("id")
            action, v1 = METHODS.get(request.get("method"), (None, False))
            if action is None:
                raise RpcError(-32601, "Method not found")
            params = request.get("params") or {}
            getattr(self, action)(call_id, params, Spelling(v1))
        except RpcError as error:
            self.answer(200, failure(call_id, error.code, str(error)))

    def read_request(self):
        try:
            length = int(self.headers.get("Content-Length") or 0)
        except ValueError:
            length = -1
        if not 0 <= length <= MAX_BODY:
            self.close_connection = True
            raise RpcError(-32600, f"The body must have a length of at most {MAX_BODY} bytes")
        try:
            request = json.loads(self.rfile.read(length))
        except ValueError:
            raise RpcError(-32700, "Invalid JSON payload") from None
        if not isinstance(request, dict) or request.get("jsonrpc") != "2.0":
            raise RpcError(-32600, "Request payload validation error")
        return request

    def begin(self, params):
        message = params.get("message")
        if not isinstance(message, dict) or not isinstance(message.get("parts"), list):
            raise RpcError(-32602, "Invalid parameters: message.parts is missing")
        texts = [part.get("text") for part in message["parts"] if isinstance(part, dict)]
        text = "\n".join(text for text in texts if isinstance(text, str))
        context = message.get("contextId") or new_id()
        task = {"id": new_id(), "context": context, "state": "working"}
        with lock:
            tasks[task["id"]] = task
        return text, task

    def send(self, call_id, params, spelling):
        text, task = self.begin(params)
        with Span("greet", self.headers, task["context"]):
            task["text"] = compose(text, task["context"])
        task["state"] = "completed"
        self.answer(200, success(call_id, spelling.wrap("task", spelling.task(task))))

    def stream(self, call_id, params, spelling):
        text, task = self.begin(params)
        with Span("greet", self.headers, task["context"]):
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Cache-Control", "no-cache")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.event(success(call_id, spelling.wrap("task", spelling.task(task))))
            words = compose(text, task["context"]).split(" ")
            said = ""
            for index, word in enumerate(words):
                if task["state"] == "canceled":
                    break
                if index:
                    time.sleep(WORD_PAUSE)
                chunk = word if index == 0 else " " + word
                said += chunk
                last = index == len(words) - 1
                self.event(success(call_id, spelling.artifact_update(task, chunk, index == 0, last)))
            task["text"] = said
            if task["state"] == "working":
                task["state"] = "completed"
        self.event(success(call_id, spelling.status_update(task, True)))
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def get(self, call_id, params, spelling):
        self.answer(200, success(call_id, spelling.task(known_task(params))))

    def cancel(self, call_id, params, spelling):
        task = known_task(params)
        if task["state"] != "working":
            raise RpcError(-32002, "Task cannot be canceled")
        task["state"] = "canceled"
        self.answer(200, success(call_id, spelling.task(task)))

    def event(self, value):
        data = b"data: " + json.dumps(value).encode() + b"\n\n"
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.server.draining:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format, *args):
        pass  # the gateway logs requests


def success(call_id, result):
    return {"jsonrpc": "2.0", "id": call_id, "result": result}


def failure(call_id, code, message):
    return {"jsonrpc": "2.0", "id": call_id, "error": {"code": code, "message": message}}


def known_task(params):
    with lock:
        task = tasks.get(params.get("id"))
    if task is None:
        raise RpcError(-32001, "Task not found")
    return task


def card(host):
    """The card of the folder, with the address under which it was asked for."""
    with open(os.path.join(HERE, "AgentCard.json"), encoding="utf-8") as file:
        written = json.load(file)
    if host:
        written["url"] = f"http://{host}/"
        for interface in written["supportedInterfaces"]:
            interface["url"] = written["url"]
    return written


class Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True
    draining = False

    def __init__(self, *arguments):
        self.active = 0
        self.idle = threading.Condition()
        super().__init__(*arguments)

    def server_bind(self):
        # HTTPServer would look its own name up in the DNS, which can take seconds.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]

    def handle_error(self, request, client_address):
        error = sys.exc_info()[1]
        if not isinstance(error, (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)

    def under_way(self):
        return UnderWay(self)

    def wake(self):
        """A connection to itself ends the wait for one, so that nothing has to poll."""
        try:
            socket.create_connection(self.server_address, 0.1).close()
        except OSError:
            pass  # serve_forever looks up by itself now and then

    def drain(self):
        """Takes no new connection, lets answers under way end."""
        self.draining = True
        closing = threading.Thread(target=self.shutdown, daemon=True)
        closing.start()
        while closing.is_alive():
            self.wake()
            closing.join(0.02)
        self.server_close()
        with self.idle:
            self.idle.wait_for(lambda: self.active == 0, DRAIN_LIMIT)


class UnderWay:
    """Counts one answer under way."""

    def __init__(self, server):
        self.server = server

    def __enter__(self):
        with self.server.idle:
            self.server.active += 1

    def __exit__(self, *_):
        with self.server.idle:
            self.server.active -= 1
            self.server.idle.notify_all()


class Exporter:
    """Posts spans as OTLP JSON from a thread of its own; drops them when it cannot keep up."""

    def __init__(self, endpoint):
        self.endpoint = endpoint
        self.headers = {"Content-Type": "application/json", **pairs("OTEL_EXPORTER_OTLP_HEADERS")}
        resource = {
            **pairs("OTEL_RESOURCE_ATTRIBUTES"),
            "service.name": os.environ.get("OTEL_SERVICE_NAME") or "greeter",
        }
        self.resource = {"attributes": attributes(resource)}
        self.queue = None
        self.start = threading.Lock()

    @classmethod
    def from_environment(cls):
        endpoint = os.environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
        base = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")
        if not endpoint and base:
            endpoint = base.rstrip("/") + "/v1/traces"
        off = os.environ.get("TRACING_ENABLED", "true").lower() in ("false", "0", "off", "no")
        return cls(endpoint) if endpoint and not off else None

    def put(self, span):
        with self.start:
            if self.queue is None:
                import queue

                self.queue = queue.Queue(maxsize=1000)
                threading.Thread(target=self.run, name="otlp", daemon=True).start()
        try:
            self.queue.put_nowait(span)
        except Exception:  # full: tracing never stops the agent
            pass

    def run(self):
        import urllib.request

        while True:
            batch = [self.queue.get()]
            while not self.queue.empty() and len(batch) < 100:
                batch.append(self.queue.get())
            spans = {"scope": {"name": "greeter"}, "spans": batch}
            body = {"resourceSpans": [{"resource": self.resource, "scopeSpans": [spans]}]}
            request = urllib.request.Request(self.endpoint, json.dumps(body).encode(), self.headers)
            try:
                urllib.request.urlopen(request, timeout=5).close()
            except (OSError, ValueError):
                pass  # nobody listens; the next batch may fare better
            for _ in batch:
                self.queue.task_done()

    def flush(self, limit):
        deadline = time.monotonic() + limit
        while self.queue is not None and self.queue.unfinished_tasks and time.monotonic() < deadline:
            time.sleep(0.01)


def pairs(variable):
    """`a=b,c=d` of an environment variable."""
    entries = (entry.partition("=") for entry in os.environ.get(variable, "").split(","))
    return {key.strip(): value.strip() for key, sign, value in entries if sign}


def attributes(values):
    return [{"key": key, "value": {"stringValue": str(value)}} for key, value in values.items()]


class Span:
    """One step of work, a child of the caller's span when it sent a `traceparent`."""

    def __init__(self, name, headers, conversation):
        fields = (headers.get("traceparent") or "").split("-")
        valid = len(fields) >= 4 and len(fields[1]) == 32 and len(fields[2]) == 16
        self.wanted = exporter is not None and not (valid and fields[3][-1:] in "02468ace")
        self.span = {
            "traceId": fields[1] if valid else os.urandom(16).hex(),
            "spanId": os.urandom(8).hex(),
            "name": name,
            "kind": 1,
            "attributes": attributes(
                {
                    "gen_ai.operation.name": "invoke_agent",
                    "gen_ai.agent.name": "greeter",
                    "gen_ai.conversation.id": conversation,
                }
            ),
        }
        if valid:
            self.span["parentSpanId"] = fields[2]

    def __enter__(self):
        self.span["startTimeUnixNano"] = str(time.time_ns())

    def __exit__(self, kind, error, _):
        self.span["endTimeUnixNano"] = str(time.time_ns())
        self.span["status"] = {"code": 2, "message": str(error)} if kind else {"code": 1}
        if self.wanted:
            exporter.put(self.span)


exporter = Exporter.from_environment()


def main():
    host = os.environ.get("HOST") or "127.0.0.1"
    port = int(os.environ.get("PORT") or 8000)
    server = Server((host, port), Handler)

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 5}, daemon=True).start()
    print(f"greeter listens on http://{host}:{server.server_port}", flush=True)
    stop.wait()
    server.drain()
    if exporter:
        exporter.flush(2.0)


if __name__ == "__main__":
    main()

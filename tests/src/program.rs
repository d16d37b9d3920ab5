//! Small agents in Python's standard library.

/// An agent that says `<word> <pid> <host> <port>` at every address, once `before` has run; it ends at once when asked to.
pub fn saying(word: &str, before: &str) -> String {
    format!(
        "import http.server, os, signal, socket, sys, threading, time\n\
         signal.signal(signal.SIGTERM, lambda *a: os._exit(0))\n\
         port = int(os.environ.get('PORT', '8000'))\n\
         {before}\n\
         BODY = ('{word} %d %s %d' % (os.getpid(), socket.gethostname(), port)).encode()\n\
         class Handler(http.server.BaseHTTPRequestHandler):\n    \
             protocol_version = 'HTTP/1.1'\n    \
             def log_message(self, *a): pass\n    \
             def do_GET(self):\n        \
                 self.send_response(200)\n        \
                 self.send_header('Content-Length', str(len(BODY)))\n        \
                 self.end_headers()\n        \
                 self.wfile.write(BODY)\n\
         host = '0.0.0.0' if os.path.exists('/.dockerenv') else '127.0.0.1'\n\
         http.server.ThreadingHTTPServer((host, port), Handler).serve_forever()\n"
    )
}

/// A Dockerfile for [`saying`], with steps of its own before the program is copied.
pub fn dockerfile(steps: &str) -> String {
    format!(
        "FROM python:3.11-slim\nWORKDIR /app\n{steps}COPY main.py .\nENV PORT=8000\nEXPOSE 8000\nCMD [\"python\", \"-u\", \"main.py\"]\n"
    )
}

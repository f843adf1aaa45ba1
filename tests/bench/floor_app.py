"""What the HTTP benchmarks are held against: Flask alone, one JSON parse, one durable row."""

import os
import threading
from pathlib import Path

from flask import Flask, Response, request

from tests.bench.floors import connect

app = Flask(__name__)
_lock = threading.Lock()
_connection = None


@app.post("/orders")
def order() -> Response:
    """Parse, write a row, commit."""
    global _connection
    told = request.get_json()
    with _lock:
        if _connection is None:
            _connection = connect(Path(os.environ["FLOOR_FILE"]))
            _connection.execute("CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY, body)")
        _connection.execute("INSERT INTO rows (body) VALUES (?)", (request.get_data(),))
    return Response(b'{"ok":true}' if told else b"", 201, content_type="application/json")


@app.get("/level")
def level() -> Response:
    """A constant."""
    return Response(b'{"items":[]}', content_type="application/json")


if __name__ == "__main__":
    from api.http.binding import bind_of
    from api.http.serving import serve

    serve(app, bind_of(), largest=lambda path: 1 << 20)

"""Serves mirrors on the loopback interface, each of which fails in one way on demand."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Behaviour = Callable[["Request"], None]


@dataclass
class Mirror:
    """A mirror's address, what it serves whatever it is asked for, and what it was asked."""

    url: str
    content: bytes
    asked: list[str] = field(default_factory=list)
    """The path of each request, then a space and its Range, if it had one."""
    closing: threading.Event = field(default_factory=threading.Event)


class Request(BaseHTTPRequestHandler):
    """One GET, with the means to answer it well or badly."""

    mirror: Mirror
    behaviour: Behaviour

    def do_GET(self) -> None:
        self.mirror.asked.append(f"{self.path} {self.headers.get('Range', '')}".strip())
        with suppress(ConnectionError):
            type(self).behaviour(self)

    @property
    def start(self) -> int:
        wanted = self.headers.get("Range", "bytes=0-")
        return int(wanted.removeprefix("bytes=").removesuffix("-"))

    def begin(self, start: int, announced: int | None = None) -> None:
        total = len(self.mirror.content)
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        self.send_header("Content-Length", str(total - start if announced is None else announced))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 http.server's name
        pass


def honest(request: Request) -> None:
    if request.start >= len(request.mirror.content):
        request.send_error(416)
        return
    request.begin(request.start)
    request.wfile.write(request.mirror.content[request.start :])


def ignores_range(request: Request) -> None:
    request.begin(0)
    request.wfile.write(request.mirror.content)


def wrong_bytes(request: Request) -> None:
    request.begin(0)
    request.wfile.write(bytes(len(request.mirror.content)))


def breaks_off(after: int) -> Behaviour:
    """Sends `after` bytes of what was asked for, and hangs up."""

    def behave(request: Request) -> None:
        request.begin(request.start)
        request.wfile.write(request.mirror.content[request.start :][:after])

    return behave


def announces(length: int) -> Behaviour:
    """Sends everything, under a wrong Content-Length."""

    def behave(request: Request) -> None:
        request.begin(0, announced=length)
        request.wfile.write(request.mirror.content)

    return behave


def stalls(after: int) -> Behaviour:
    """Sends `after` bytes, then nothing, without hanging up."""

    def behave(request: Request) -> None:
        request.begin(request.start)
        request.wfile.write(request.mirror.content[request.start :][:after])
        request.mirror.closing.wait()

    return behave


def says_nothing(request: Request) -> None:
    request.mirror.closing.wait()


def drips(bytes_per_second: int) -> Behaviour:
    """Sends at this rate, in small pieces."""
    pause, piece = 0.02, round(bytes_per_second * 0.02)

    def behave(request: Request) -> None:
        request.begin(request.start)
        for place in range(request.start, len(request.mirror.content), piece):
            request.wfile.write(request.mirror.content[place : place + piece])
            if request.mirror.closing.wait(pause):
                return

    return behave


def answers(status: int, **headers: str) -> Behaviour:
    """Answers with a status, a few words, and `headers`."""

    def behave(request: Request) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(b"<html>Please sign in</html>")

    return behave


@contextmanager
def mirror(content: bytes, behaviour: Behaviour = honest) -> Iterator[Mirror]:
    """A mirror that serves `content` under every path, until the context ends."""
    handler = type("Handler", (Request,), {"behaviour": staticmethod(behaviour)})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    served = Mirror(f"http://127.0.0.1:{server.server_address[1]}", content)
    handler.mirror = served  # pyright: ignore[reportAttributeAccessIssue] made two lines above
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield served
    finally:
        served.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()

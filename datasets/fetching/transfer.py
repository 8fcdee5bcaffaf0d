"""Reads the body of one GET in a thread.

A name server, a proxy or a mirror may send nothing for half a minute. Because a thread waits for
the bytes, the caller can check the clock and a stop request many times a second.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from datasets.reading.cell_numbers import whole_number

if TYPE_CHECKING:
    import requests

CONNECT_SECONDS = 10.0
"""Time-out for a mirror to accept the connection."""

SILENCE_SECONDS = 30.0
"""Time-out for a mirror that sends nothing."""

POLL_SECONDS = 0.1
"""The longest time between two items that a transfer yields."""

OPENML = "https://www.openml.org/api/v1/json/data/"
"""OpenML's descriptions of data sets, which have the URLs of their files."""

_CHUNK_BYTES = 4 * 1024  # a chunk arrives whole: at 1 kB/s a larger one would seem like silence


class MirrorFailed(Exception):
    """A mirror didn't deliver the file. The text is the reason, to follow the mirror's name."""


class RangeRefused(MirrorFailed):
    """The mirror has no bytes from the requested offset on."""


@dataclass(frozen=True)
class ResponseStart:
    """What the headers of a response say: where its bytes start, and the size of the whole file."""

    offset: int
    total: int | None


def transfer(url: str, offset: int) -> Generator[ResponseStart | bytes | None, None, None]:
    """GET `url` from byte `offset` on; yield the start of the response, then its bytes.

    Yields None whenever nothing arrived for `POLL_SECONDS`. Closing the iterator closes the
    connection. Raises MirrorFailed.
    """
    arrived: queue.Queue[ResponseStart | bytes | MirrorFailed | None] = queue.Queue(maxsize=256)
    abandoned = threading.Event()
    reader = threading.Thread(
        target=_read, args=(url, offset, arrived, abandoned), name="fetch", daemon=True
    )
    reader.start()
    try:
        while True:
            try:
                item = arrived.get(timeout=POLL_SECONDS)
            except queue.Empty:
                if not reader.is_alive() and arrived.empty():
                    raise MirrorFailed("broke off") from None
                yield None
                continue
            if item is None:
                return
            if isinstance(item, MirrorFailed):
                raise item
            yield item
    finally:
        abandoned.set()


def _read(url: str, offset: int, arrived: queue.Queue, abandoned: threading.Event) -> None:
    import urllib3

    def hand_over(item: ResponseStart | bytes | MirrorFailed | None) -> None:
        while not abandoned.is_set():
            with contextlib.suppress(queue.Full):
                arrived.put(item, timeout=POLL_SECONDS)
                break

    # Without this header, a mirror that declares a .gz file as `Content-Encoding: gzip` would have
    # it unpacked on arrival.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={offset}-"} if offset else {})
    try:
        with contextlib.closing(_get(_resolved(url), headers)) as response:
            hand_over(_response_start(response))
            for chunk in response.raw.stream(_CHUNK_BYTES, decode_content=False):
                hand_over(chunk)
                if abandoned.is_set():
                    return
        hand_over(None)
    except MirrorFailed as failure:
        hand_over(failure)
    except (OSError, ValueError, urllib3.exceptions.HTTPError) as error:
        hand_over(MirrorFailed(_reason(error)))


def _get(url: str, headers: dict[str, str]) -> requests.Response:
    import requests

    timeout = (CONNECT_SECONDS, SILENCE_SECONDS)
    return requests.get(url, headers=headers, stream=True, timeout=timeout)


def _resolved(url: str) -> str:
    """The URL of the file itself, for one of OpenML's descriptions."""
    if not url.startswith(OPENML):
        return url
    with contextlib.closing(_get(url, {})) as response:
        _response_start(response)
        try:
            return response.json()["data_set_description"]["url"]
        except (ValueError, LookupError, TypeError):
            raise MirrorFailed("doesn't name the URL of the file") from None


def _response_start(response: requests.Response) -> ResponseStart:
    if response.status_code == 416:
        raise RangeRefused("has fewer bytes than were received already")
    if response.status_code not in (200, 206):
        raise MirrorFailed(f"answered {response.status_code} {response.reason or ''}".rstrip())
    length = response.headers.get("Content-Length", "")
    span = response.headers.get("Content-Range", "")  # "bytes 500-999/1000"
    if response.status_code == 206 and span:
        first, _, total = span.removeprefix("bytes").strip().partition("/")
        start = whole_number(first.partition("-")[0])
        if start is None:
            raise MirrorFailed(f"answered with the range {span!a}")
        return ResponseStart(start, whole_number(total))
    return ResponseStart(0, whole_number(length))


def _reason(error: Exception) -> str:
    import requests
    import urllib3

    reasons: dict[type[Exception], str] = {
        requests.exceptions.ProxyError: "the proxy didn't let it through",
        requests.exceptions.SSLError: "its certificate could not be checked",
        requests.exceptions.ConnectTimeout: f"no connection within {CONNECT_SECONDS:g} s",
        requests.exceptions.ReadTimeout: f"sent nothing for {SILENCE_SECONDS:g} s",
        urllib3.exceptions.ReadTimeoutError: f"sent nothing for {SILENCE_SECONDS:g} s",
        urllib3.exceptions.ProtocolError: "broke off",
        requests.exceptions.ConnectionError: "could not be reached",
        requests.exceptions.TooManyRedirects: "redirects without end",
    }
    for kind, reason in reasons.items():
        if isinstance(error, kind):
            return reason
    return f"{type(error).__name__}: {error}"

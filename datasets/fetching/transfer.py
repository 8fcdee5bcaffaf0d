"""The body of one GET, read by a thread of its own.

A thread, because a name server, a proxy or a mirror may keep silent for half a minute: whoever
waits for the bytes can still look at the clock and at a wish to stop, many times a second.
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
"""How long a mirror may take to accept the connection."""

SILENCE_SECONDS = 30.0
"""How long a mirror may send nothing."""

POLL_SECONDS = 0.1
"""How often whoever waits is given the chance to look around."""

OPENML = "https://www.openml.org/api/v1/json/data/"
"""OpenML's description of a data set, which is asked where its file lies."""

_CHUNK_BYTES = 4 * 1024  # a chunk comes whole: at 1 kB/s a larger one would look like silence


class MirrorFailed(Exception):
    """A mirror didn't give the file. The text is the reason, to stand behind its name."""


class RangeRefused(MirrorFailed):
    """The mirror has no bytes from the offset on that was asked for."""


@dataclass(frozen=True)
class ResponseStart:
    """What a mirror said before the bytes: where they start, and how long the whole file is."""

    offset: int
    total: int | None


def transfer(url: str, offset: int) -> Generator[ResponseStart | bytes | None, None, None]:
    """Yield the answer to a GET of `url` from byte `offset` on, then its bytes as they come.

    None comes in between whenever nothing arrived for `POLL_SECONDS`. Closing the iterator drops
    the connection. Raises MirrorFailed.
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

    # The bytes as they are: a mirror that calls a .gz file `Content-Encoding: gzip` would
    # otherwise have it unpacked on the way.
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
            raise MirrorFailed("doesn't say where the file lies") from None


def _response_start(response: requests.Response) -> ResponseStart:
    if response.status_code == 416:
        raise RangeRefused("has fewer bytes than are here already")
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

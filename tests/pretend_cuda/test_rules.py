"""The rules of CUDA that the pretend one keeps; these tests run over it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest
import torch

from tests.pretend_cuda import counters

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not counters.is_loaded(), reason="runs over the pretend CUDA"),
]

MIB = 1 << 20


@pytest.fixture(autouse=True)
def _counted_from_here() -> Iterator[None]:
    torch.cuda.synchronize()
    counters.reset()
    yield
    torch.cuda.empty_cache()


@pytest.fixture
def x() -> torch.Tensor:
    return torch.ones(1000, device="cuda")


def prohibited() -> set[str]:
    return {name for name in counters.counts() if name.startswith("prohibited")}


def test_a_graph_does_later_what_was_captured(x: torch.Tensor) -> None:
    source, target = torch.full((3,), 9.0).pin_memory(), torch.full((3,), 7.0).cuda()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        target.copy_(source, non_blocking=True)
        x.mul_(2)
    assert counters.counts()["captured"] == 2
    assert target.tolist() == [7.0, 7.0, 7.0]
    for _ in range(3):
        graph.replay()
    assert target.tolist() == [9.0, 9.0, 9.0]
    assert counters.counts()["replayed"] == 3 * 2


def test_waiting_for_a_stream_that_captures_invalidates_the_capture(x: torch.Tensor) -> None:
    with (
        pytest.raises(RuntimeError, match="previous error during capture"),
        torch.cuda.graph(torch.cuda.CUDAGraph()),
    ):
        x.mul_(2)
        with pytest.raises(RuntimeError, match="not permitted when stream is capturing"):
            torch.cuda.current_stream().synchronize()
        with pytest.raises(RuntimeError, match="previous error during capture"):
            x.mul_(2)
    assert prohibited() == {"prohibited: cudaStreamSynchronize"}
    with torch.cuda.graph(torch.cuda.CUDAGraph()):  # the stream is out of the capture
        x.mul_(2)


@pytest.mark.parametrize("mode", ["global", "thread_local", "relaxed"])
def test_another_thread_disturbs_a_capture_of_global_mode(x: torch.Tensor, mode: str) -> None:
    event, failed = torch.cuda.Event(), []
    event.record()

    def query() -> None:
        try:
            event.query()
        except RuntimeError as error:
            failed.append(str(error))

    def capture() -> None:
        with torch.cuda.graph(torch.cuda.CUDAGraph(), capture_error_mode=mode):
            x.mul_(2)
            thread = threading.Thread(target=query)
            thread.start()
            thread.join()

    if mode == "global":
        with pytest.raises(RuntimeError, match="previous error during capture"):
            capture()
        assert "not permitted when stream is capturing" in failed[0]
    else:
        capture()
        assert not failed


def test_a_capture_waits_for_nothing_outside_of_it(x: torch.Tensor) -> None:
    event = torch.cuda.Event()
    event.record()
    with (
        pytest.raises(RuntimeError, match="previous error during capture"),
        torch.cuda.graph(torch.cuda.CUDAGraph()),
        pytest.raises(RuntimeError, match="dependency created on uncaptured work"),
    ):
        torch.cuda.current_stream().wait_event(event)


@pytest.mark.parametrize("joins", [True, False])
def test_a_stream_that_forks_has_to_join_again(x: torch.Tensor, joins: bool) -> None:
    side, graph = torch.cuda.Stream(), torch.cuda.CUDAGraph()

    def capture() -> None:
        with torch.cuda.graph(graph):
            x.mul_(2)
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                x.mul_(2)
            if joins:
                torch.cuda.current_stream().wait_stream(side)

    if joins:
        capture()
        return
    with pytest.raises(RuntimeError, match="unjoined work"):
        capture()


def test_little_memory_is_an_error_of_torch() -> None:
    everything = torch.cuda.mem_get_info()[1]
    counters.limit_memory(64 * MIB)
    try:
        held = torch.empty(48 * MIB, dtype=torch.uint8, device="cuda")
        with pytest.raises(torch.cuda.OutOfMemoryError):
            torch.empty(48 * MIB, dtype=torch.uint8, device="cuda")
        del held
        torch.empty(48 * MIB, dtype=torch.uint8, device="cuda")  # what was freed serves again
    finally:
        counters.limit_memory(everything)


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two cards")
def test_each_card_has_memory_and_work_of_its_own() -> None:
    assert torch.cuda.mem_get_info(1)[1] == int(os.environ["PRETEND_CUDA_MEMORY"])
    before = [torch.cuda.mem_get_info(card)[0] for card in range(2)]
    counters.reset()
    on_second = torch.zeros(32 * MIB, dtype=torch.uint8, device="cuda:1")
    after = [torch.cuda.mem_get_info(card)[0] for card in range(2)]
    assert [then - now for then, now in zip(before, after, strict=True)] == [0, 32 * MIB]
    on_second.to("cuda:0")
    counted = counters.counts()
    assert counted["launched on device 1"] > 0
    assert not [name for name in counted if name.startswith("wrong device")]

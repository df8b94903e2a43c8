"""Real signals wake the main thread."""

import os
import signal
import threading

import pytest
from camera_servers import wait_for

from edge_retinaface.service.wakeup import RELOAD, STOP, Wakeup, stops

pytestmark = pytest.mark.usefixtures("no_leaks")


def test_signals_and_other_threads_wake_the_main_thread() -> None:
    wakeup, before = Wakeup(), signal.getsignal(signal.SIGHUP)  # nohup has it ignored
    with wakeup.catching():
        assert wakeup.wait(0.01) == set()
        os.kill(os.getpid(), signal.SIGHUP)
        assert wakeup.wait(5) == {RELOAD}
        os.kill(os.getpid(), signal.SIGTERM)
        assert stops(wakeup.wait(5))
        threading.Thread(target=wakeup.send, args=(STOP,)).start()
        assert wakeup.wait(5) == {STOP}
    wakeup.close()
    assert signal.getsignal(signal.SIGHUP) is before


def test_ten_thousand_signals_at_once_block_nobody() -> None:
    wakeup = Wakeup()
    for _ in range(10_000):
        try:
            wakeup.send(RELOAD)
        except BlockingIOError:
            break
    wait_for(lambda: RELOAD in wakeup.wait(1))
    wakeup.close()

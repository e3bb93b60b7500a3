import threading
import time

from bentos.recommender.resting import PIECE_SECONDS, Rests


def work(seconds):
    began = time.thread_time()
    while time.thread_time() - began < seconds:
        pass


def test_nobody_rests_once_it_is_over():
    rests = Rests(1e9)
    rests.end()
    work(10 * PIECE_SECONDS)
    rests()  # else it would last for weeks


def test_who_rests_as_it_ends_is_woken():
    rests, woken = Rests(1e9), threading.Event()

    def rest():
        work(10 * PIECE_SECONDS)
        rests()
        woken.set()

    threading.Thread(target=rest, daemon=True).start()
    rests.end()
    assert woken.wait(10)

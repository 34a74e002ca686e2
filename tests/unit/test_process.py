"""Lines of a child's output, and what happens to children that misbehave."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from topforge import platform_posix
from topforge.running import process
from topforge.running.process import LINE_LIMIT, Command, Limits, LineSplitter
from topforge.running.stopping import CANCELLED, StopRequest

NO_LIMITS = Limits()


def lines_of(*chunks: bytes):
    splitter = LineSplitter()
    found = [line for chunk in chunks for line in splitter.feed(chunk)]
    return found + splitter.feed(b"", final=True)


def test_lines_end_with_newline_return_or_both():
    assert lines_of(b"a\nb\rc\r\nd\n") == ["a", "b", "c", "d"]


def test_a_line_split_over_chunks_is_one_line():
    assert lines_of(b"ste", b"p 1", b"/2\nst", b"ep") == ["step 1/2", "step"]


def test_return_and_newline_in_different_chunks_end_one_line():
    assert lines_of(b"50%\r", b"\n100%\r", b"x") == ["50%", "100%", "x"]


def test_empty_lines_stay():
    assert lines_of(b"a\n\nb\n") == ["a", "", "b"]


def test_bytes_that_are_no_text_are_replaced_and_split_characters_are_not():
    assert lines_of(b"ok \xff\n", "ä".encode()[:1], "ä".encode()[1:] + b"\n") == ["ok \ufffd", "ä"]


def test_every_split_of_a_stream_gives_the_same_lines():
    stream = "a\r\nb\rü%\n\n\rend".encode()
    whole = lines_of(stream)
    for i in range(len(stream)):
        for j in range(i, len(stream)):
            assert lines_of(stream[:i], stream[i:j], stream[j:]) == whole


def test_a_line_without_end_is_cut_and_counted():
    found = lines_of(b"x" * LINE_LIMIT, b"y" * 1000, b"z\nnext\n")
    assert found == ["x" * LINE_LIMIT + " ... [1001 more characters]", "next"]


def run(arguments, limits=NO_LIMITS, on_line=None, stop=None):
    """Runs a child to its end; returns how it ended and what it printed."""
    found = []
    command = Command(tuple(arguments), Path.cwd(), dict(os.environ))
    with stop or StopRequest() as request:
        ending = process.run(command, limits, request, on_line or found.append, lambda: None)
    return ending, found


def python(code: str):
    return [sys.executable, "-S", "-u", "-c", code]


@pytest.fixture(autouse=True)
def _adopt_orphans():
    platform_posix.become_subreaper()


def test_output_and_errors_come_in_order_with_the_exit_code():
    code = "import os, sys\nos.write(1, b'a\\n'); os.write(2, b'b\\n'); os.write(1, b'c'); sys.exit(7)"
    ending, found = run(python(code))
    assert (ending.exit_code, found, ending.stopped) == (7, ["a", "b", "c"], None)


def test_a_lot_of_output_arrives_whole():
    ending, found = run(python("for i in range(50000): print('line', i)"))
    assert ending.exit_code == 0
    assert found == ["line %d" % i for i in range(50000)]


def test_a_child_that_closes_its_output_is_waited_for():
    ending, _ = run(python("import os, time, sys; os.close(1); os.close(2); time.sleep(0.3); os._exit(5)"))
    assert ending.exit_code == 5
    assert ending.seconds > 0.3


def test_what_cannot_be_started_names_the_executable_and_the_fix():
    with pytest.raises(process.CannotStartError) as error:
        run(["/nowhere/python", "x"])
    assert "/nowhere/python" in error.value.reason
    assert error.value.exit_code == 78


def test_silence_ends_a_child_but_talk_does_not():
    ending, _ = run(python("import time; time.sleep(60)"), Limits(silence_seconds=0.3))
    assert (ending.stopped, ending.exit_code) == (process.SILENT, -signal.SIGTERM)
    ending, _ = run(python("import time\nfor i in range(6): print(i); time.sleep(0.1)"), Limits(silence_seconds=0.4))
    assert (ending.stopped, ending.exit_code) == (None, 0)


def test_the_deadline_ends_a_child_that_talks():
    ending, _ = run(
        python("import time\nwhile True: print(1); time.sleep(0.01)"), Limits(deadline=time.monotonic() + 0.3)
    )
    assert ending.stopped == process.OVERTIME


def test_a_child_that_ignores_the_request_is_killed_after_the_grace():
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1); time.sleep(60)"

    def ask(line):
        os.kill(os.getpid(), signal.SIGTERM)

    ending, _ = run(python(code), Limits(grace_seconds=0.3), on_line=ask)
    assert (ending.stopped, ending.killed, ending.exit_code) == (CANCELLED, True, -signal.SIGKILL)
    assert 0.3 < ending.seconds < 5


def test_a_suspended_child_hears_the_request():
    code = "import os, signal; print(1); os.kill(os.getpid(), signal.SIGSTOP); print(2)"
    ending, _ = run(python(code), Limits(grace_seconds=20), on_line=lambda line: os.kill(os.getpid(), signal.SIGTERM))
    assert ending.exit_code == -signal.SIGTERM
    assert not ending.killed


DAEMON = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        print(os.getpid(), flush=True)
        time.sleep(600)
    os._exit(0)
os.wait()
time.sleep(0.2)
"""


def test_a_daemon_that_forked_twice_is_killed_and_reaped():
    ending, found = run(python(DAEMON))
    assert ending.orphans == (int(found[0]),)
    with pytest.raises(ProcessLookupError):
        os.kill(int(found[0]), 0)


def test_children_from_before_are_spared():
    other = os.fork()
    if other == 0:
        time.sleep(30)
        os._exit(0)
    try:
        run(python(DAEMON))
        assert os.waitpid(other, os.WNOHANG) == (0, 0)
    finally:
        os.kill(other, signal.SIGKILL)
        os.waitpid(other, 0)


def test_a_callback_that_fails_leaves_no_child():
    pids = []

    def fail(line):
        pids.append(int(line))
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        run(python("import os, time; print(os.getpid()); time.sleep(60)"), on_line=fail)
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


def test_handlers_are_as_before_afterwards():
    before = signal.getsignal(signal.SIGTERM)
    run(python("pass"))
    assert signal.getsignal(signal.SIGTERM) is before
    assert signal.set_wakeup_fd(-1) == -1


def test_no_descriptor_is_left_open():
    run(python("pass"))
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        run(python(DAEMON))
    with pytest.raises(process.CannotStartError):
        run(["/nowhere"])
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_lock_file_that_is_deleted_while_locked_is_not_locked_twice(tmp_path):
    path = tmp_path / "lock"
    first = platform_posix.try_lock(path)
    assert first is not None
    assert platform_posix.try_lock(path) is None
    path.unlink()
    second = platform_posix.try_lock(path)  # another file: the first holder's lock no longer has a name
    assert second is not None
    assert platform_posix.try_lock(path) is None
    os.close(first)
    os.close(second)

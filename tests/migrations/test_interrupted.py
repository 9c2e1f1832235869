"""A deploy that is killed anywhere goes on where it was, to the same database."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from threading import Timer

import pytest

from pgjikan import migrations
from tests.catalogue.test_changes import dump

#: How many changes a run may make before it is killed, so that the kills spread over the plan.
STRIDE = 3
KILLS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)

#: For each line that it reads it deploys in a process of its own: starting one costs no imports.
#: It tells that process's number, then each change that is made, then how the process ended.
FORGE = """
import os, sys
from pgjikan import migrations

def tell(*words):  # in one write: of a print a kill may leave half a line
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())

class Teller(migrations.Reporter):
    def end(self, milliseconds, error):
        tell("failed", error) if error else tell("made")

for _ in sys.stdin:
    pid = os.fork()
    if pid:
        tell(pid)
        tell("ended", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        continue
    try:
        migrations.deploy(sys.argv[1], verify=True, reporter=Teller())
    except KeyboardInterrupt:
        os._exit(130)
    os._exit(0)
"""


def press(pid: int, kill: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # it was through before
        os.kill(pid, kill)


@pytest.mark.timeout(400)
def test_killed_anywhere_it_goes_on(empty_database: str, database: str) -> None:
    dice = random.Random(20261001)
    kills = 0
    with subprocess.Popen(
        [sys.executable, "-c", FORGE, empty_database],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as forge:
        assert forge.stdin is not None and forge.stdout is not None
        said = ""
        while said != "ended 0":
            forge.stdin.write("\n")
            forge.stdin.flush()
            pid = int(forge.stdout.readline())
            start = time.monotonic()
            strides = dice.randint(1, STRIDE)
            for _ in range(strides):
                said = forge.stdout.readline().strip()
                if said != "made":
                    break
            else:  # somewhere within the next change, as long as they take on this machine today
                time.sleep(dice.uniform(0, (time.monotonic() - start) / strides))
                kill = KILLS[kills % len(KILLS)]
                press(pid, kill)
                # psycopg may miss a Ctrl-C that comes with the answer; whoever waits presses again.
                again = Timer(20, press, (pid, kill))
                again.start()
                try:
                    while not said.startswith("ended"):
                        said = forge.stdout.readline().strip()
                        assert not said.startswith("failed"), said
                finally:
                    again.cancel()
                kills += said in (f"ended {-kill}", "ended 130")
            assert said in (
                "ended 0",
                f"ended {-signal.SIGKILL}",
                f"ended {-signal.SIGTERM}",
                "ended 130",
            ), said
        forge.stdin.close()
    assert kills >= 60
    assert dump(empty_database) == dump(database)
    assert migrations.status(empty_database).is_current

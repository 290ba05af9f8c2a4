#!/usr/bin/env python3
"""A node without `cluster` on Kafka becomes a cluster on the same prefix and folder, and then gets a second node: what it decided, kept and
counted holds on. lone_to_cluster_test.py BUILD; HUILIU_SEED replays a run."""
import os
import signal
import subprocess
import sys
import tempfile
import time

from hub import DATASET, PREFECTURES, Hub, Rows
from several_nodes import Brokers, check
from pki import Pki

BUILD = os.path.abspath(sys.argv[1])
SEED = int(os.environ.get("HUILIU_SEED", time.time_ns() % 10**9))


class Growing(Hub):
    """Its first node runs without `cluster` at first; its second starts when it is told to."""
    alone = True

    def run_huiliud(self, i):
        if self.alone and i > 0:
            return
        with open(self.config(i), encoding="utf-8") as file:
            lines = [line for line in file.read().split("\n") if not (self.alone and line.startswith("cluster:"))]
        path = os.path.join(self.state, f"running-n{i}.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(lines))
        self.huiliud[i] = self.spawn([os.path.join(self.build, "bin/huiliud"), "--config", path], self.log_of(i))

    def await_ready(self, i):
        if not self.alone or i == 0:
            self.await_that(lambda: self.on(i).call("system-admin", "Registry/ListOrganisations"), f"node n{i} answers")


def settle(hub, rows, what):
    hub.await_that(lambda: all(hub.held(r) == rows.held[r] for r in PREFECTURES), what)
    hub.await_that(lambda: all(hub.counts(r)["read"] == rows.written for r in PREFECTURES), "and every row is counted once for each receiver")


def main():
    print(f"seed {SEED}", flush=True)
    folder = tempfile.mkdtemp(prefix="huiliu-growing-")
    brokers = Brokers(BUILD, folder, 1)
    hub_folder, drops = os.path.join(folder, "hub"), os.path.join(folder, "drops")
    os.makedirs(hub_folder)
    os.makedirs(drops)
    hub = Growing(BUILD, hub_folder, Pki(os.path.join(folder, "pki")), 2)
    try:
        brokers.start()
        hub.backbone = brokers.lines()
        hub.start()
        hub.set_up()
        hub.start_agent("state-si", sources=[hub.file_source("hub", drops)])
        rows = Rows(SEED, 300)
        rows.write(drops, "alone", 400)
        settle(hub, rows, "a lone node returns")
        hub.huiliud[0].send_signal(signal.SIGTERM)
        check(hub.huiliud[0].wait(timeout=60) == 0, "it stops")
        hub.alone = False
        hub.run_huiliud(0)
        hub.await_ready(0)
        rows.write(drops, "one", 400)
        settle(hub, rows, "as the first node of a cluster it knows who holds what: who moved is withdrawn")
        hub.run_huiliud(1)
        hub.await_ready(1)
        hub.on(0)
        hub.kill(0)
        rows.write(drops, "two", 400)
        settle(hub, rows, "and so does the second, which takes over")
        read = {r: hub.counts(r) for r in PREFECTURES}
        check(all(c["read"] == sum(v for k, v in c.items() if k != "read") for c in read.values()), "counts balance", read)
        check(sum(c["returned"] for c in read.values()) == rows.written, f"each row of {DATASET} was returned once", read)
    except BaseException:
        print(f"replay with HUILIU_SEED={SEED}\n{hub.logs()}", file=sys.stderr)
        raise
    finally:
        hub.stop()
        brokers.stop()
        subprocess.run(["rm", "-rf", folder])
    print("lone to cluster: passed")


main()

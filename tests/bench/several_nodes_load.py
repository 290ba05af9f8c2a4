#!/usr/bin/env python3
"""What a record costs where the nodes are real processes on one Kafka, and how long a killed node is missed. several_nodes_load.py BUILD NODES ROWS;
the last line of stdout is one JSON object. Run by ./dev bench kafka."""
import json
import os
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))
from several_nodes import Brokers  # noqa: E402
from hub import PREFECTURES, Hub, Rows  # noqa: E402
from pki import Pki  # noqa: E402

BUILD, NODES, ROWS = os.path.abspath(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
FILE_ROWS, IDLE_SECONDS, SEED = 5000, 5, 20261130


class Lone(Hub):
    """Without a second node there is no standby."""
    STANDBYS = 1 if NODES > 1 else 0


def cpu_seconds(hub):
    total = 0
    for process in hub.huiliud:
        with open(f"/proc/{process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def bytes_in(*folders):
    return sum(os.path.getsize(os.path.join(root, name)) for folder in folders for root, _, names in os.walk(folder)
               for name in names if os.path.exists(os.path.join(root, name)))


def loopback_bytes():
    with open("/proc/net/dev", encoding="ascii") as file:
        return next(int(line.split(":")[1].split()[0]) for line in file if line.strip().startswith("lo:"))


class Costs:
    def __init__(self, hub, brokers):
        self.hub, self.brokers = hub, brokers

    def now(self):
        nodes = [os.path.join(self.hub.state, f"n{i}") for i in range(NODES)]
        return {"at": time.time(), "cpu": cpu_seconds(self.hub), "broker": bytes_in(self.brokers.folder), "node": bytes_in(*nodes), "network": loopback_bytes()}


def settled(hub, rows):
    """Judged, in the catalogs, counted."""
    if hub.counts("530100")["pending"] or any(hub.counts(r)["read"] != rows.written for r in ("530100", "533400")):
        return False
    status = hub.status()
    return "lag_unknown" not in status and not any(int(c.get("unapplied", 0)) for c in status.get("catalogs", [])) and not any(
        int(lane.get("unjudged", 0)) for lane in status.get("lanes", []))


def load(hub, brokers, drops):
    costs, rows = Costs(hub, brokers), Rows(SEED, 10 * ROWS)
    idle = costs.now()
    time.sleep(IDLE_SECONDS)
    before = costs.now()
    idle_cpu = (before["cpu"] - idle["cpu"]) / (before["at"] - idle["at"])
    for part in range(ROWS // FILE_ROWS):
        rows.write(drops, f"{part:05d}", FILE_ROWS)
    hub.await_that(lambda: settled(hub, rows), "all rows are judged and applied", 900)
    after = costs.now()
    spent = {name: after[name] - before[name] for name in before}
    return {"nodes": NODES, "records": rows.written, "seconds": spent["at"], "cpu_us": (spent["cpu"] - idle_cpu * spent["at"]) * 1e6 / rows.written,
            "idle_cpu_percent": 100 * idle_cpu, "broker_bytes": spent["broker"] / rows.written, "node_bytes": spent["node"] / rows.written,
            "network_bytes": spent["network"] / rows.written}


def takeover(hub):
    """The leader is killed: seconds until each of its catalogs answers elsewhere, and until a command is taken."""
    status = hub.ask("system-admin", "Cluster/GetStatus")
    victim = next(int(n["node"][1:]) for n in status["nodes"] if n.get("leader"))
    mine = [c["receiver"] for c in status["catalogs"] if c["owner"]["node"] == f"n{victim}"]
    hub.kill(victim)
    killed = time.time()
    hub.on((victim + 1) % NODES)
    for receiver in mine:
        hub.await_that(lambda r=receiver: hub.call("hrss-clerk", "Catalog/Query", context=hub.context(r), page_size=1) is not None, f"{receiver} answers again")
    catalogs = time.time() - killed
    hub.await_that(lambda: hub.call("system-admin", "Registry/PutOrganisation", organisation={"id": f"after-{time.time_ns()}", "title": "丙局"}), "commands are taken again")
    return {"takeover_catalogs_s": catalogs, "takeover_commands_s": time.time() - killed}


def main():
    folder = tempfile.mkdtemp(prefix="huiliu-bench-nodes-", dir="/var/tmp")
    brokers, hub = Brokers(BUILD, folder, 1), Lone(BUILD, folder, Pki(os.path.join(folder, "pki")), NODES)
    try:
        brokers.start()
        hub.backbone = brokers.lines()
        hub.start()
        hub.set_up()
        hub.await_that(lambda: len(hub.status().get("catalogs", [])) == len(PREFECTURES), "catalogs are placed")
        drops = os.path.join(folder, "drops")
        os.makedirs(drops)
        hub.start_agent("state-si", sources=[{**hub.file_source("hub", drops), "batch_rows": 1000}])
        result = load(hub, brokers, drops)
        if NODES > 1:
            result.update(takeover(hub))
        print(json.dumps(result), flush=True)
    finally:
        hub.stop()
        brokers.stop()
        subprocess.run(["rm", "-rf", folder])


main()

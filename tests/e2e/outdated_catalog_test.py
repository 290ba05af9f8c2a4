#!/usr/bin/env python3
"""A catalog's folder that stood still for longer than tombstones stay in the log, on the real binaries: what was withdrawn meanwhile does not
come back, on a node that starts on it and on one that was frozen. outdated_catalog_test.py BUILD."""
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "deploy/demo"))
import registry_data  # noqa: E402
from demo_purpose import PURPOSE  # noqa: E402
from generate import citizen_id  # noqa: E402
from node import Node, Refused  # noqa: E402
from pki import Pki  # noqa: E402

BUILD = os.path.abspath(sys.argv[1])
RETENTION_S = 6
HEADER = "个人编号,身份证号,姓名,参保地区划,参保地,单位统一社会信用代码,险种,参保状态,参保日期,操作,更新时间\n"
RNG = random.Random(1)


def check(condition, what, detail=""):
    if not condition:
        sys.exit(f"FAILED: {what}\n{detail}")
    print("ok:", what, flush=True)


def wait_for(what, condition, detail=lambda: "", seconds=90):
    deadline = time.time() + seconds
    while time.time() < deadline:
        if condition():
            return check(True, what)
        time.sleep(0.1)
    check(False, what, detail())


class City:
    def __init__(self, folder):
        self.folder, self.files = folder, 0
        self.drops = os.path.join(folder, "drops")
        os.makedirs(self.drops)
        self.node = Node(BUILD, folder, Pki(os.path.join(folder, "pki")))
        self.node.backbone = f"topics: {{tombstone_retention: {RETENTION_S}s}}\n"
        self.catalog = os.path.join(folder, "node/catalog/530100")

    def start(self):
        self.node.start()
        registry_data.register_contracts(self.node)
        registry_data.register_systems(self.node)
        fields = self.node.call("system-admin", "Registry/GetDataset", id="insurance_participation")["dataset"]["fields"]
        registry_data.grant(self.node, "km-hrss", "insurance_participation", PURPOSE, {f["name"]: {"keep": True} for f in fields if f.get("personal")})
        self.node.start_agent("state-si", sources=[{
            "id": "csv", "_system": "sv-social-insurance", "plugin": "file", "dataset": "insurance_participation", "batch_rows": 50, "linger_ms": 20,
            "mapping": os.path.join(ROOT, "deploy/samples/mappings/insurance_participation.yaml"), "options": {"path": self.drops}}])

    def drop(self, *rows):
        """A file of (person, operation); it appears whole."""
        self.files += 1
        part = os.path.join(self.folder, "part")
        with open(part, "w", encoding="utf-8") as file:
            file.write(HEADER)
            for person, operation in rows:
                file.write(f"{person},{citizen_id(RNG, '530102')},王,530102,,,养老,参保,2020-01-01,{operation},2026-01-01 00:00:{self.files:02d}\n")
        os.rename(part, os.path.join(self.drops, f"{self.files:04d}.csv"))

    def rows(self):
        try:
            page = self.node.call("hrss-clerk", "Catalog/Query", context={"receiver": "530100", "dataset": "insurance_participation", "purpose": PURPOSE})
        except (OSError, Refused):  # the catalog may be on its way
            return None
        return sorted(row["fields"]["person_number"] for row in page.get("rows", []))

    def holds(self, *people):
        wait_for(f"the catalog holds {', '.join(people)}", lambda: self.rows() == sorted(people), lambda: f"{self.rows()}\n{self.log()[-2000:]}")

    def log(self):
        with open(self.node.log, encoding="utf-8", errors="replace") as file:
            return file.read()

    def rebuilt(self):
        return self.log().count("was built anew from the log")

    def stop_node(self):
        self.node.process.send_signal(signal.SIGTERM)
        self.node.process.wait(timeout=30)


def main():
    folder = tempfile.mkdtemp(prefix="huiliu-outdated-")
    city = City(folder)
    try:
        city.start()
        city.drop(("P1", "U"), ("P2", "U"))
        city.holds("P1", "P2")
        city.stop_node()
        kept = os.path.join(folder, "kept")
        shutil.copytree(city.catalog, kept)
        time.sleep(2 * RETENTION_S)
        city.node.run_node()
        city.holds("P1", "P2")
        check(city.rebuilt() == 0, "a catalog that has all of the log goes on, however long the node was stopped", city.log()[-2000:])

        city.drop(("P1", "D"), ("P3", "U"))
        city.holds("P2", "P3")
        city.stop_node()
        shutil.rmtree(city.catalog)
        os.rename(kept, city.catalog)  # as a crash leaves it on a node to which the receiver comes back
        time.sleep(RETENTION_S)
        city.node.run_node()
        city.holds("P2", "P3")
        check(city.rebuilt() == 1, "the old folder was given up and built anew", city.log()[-2000:])
        check(not os.path.exists(city.catalog + ".gone"), "nothing of it is left")

        # Its records come while it stands still: the agent has sent them, and it goes on with them.
        city.drop(("P2", "D"), ("P4", "U"))
        city.holds("P3", "P4")
        os.kill(city.node.process.pid, signal.SIGSTOP)
        city.drop(("P5", "U"))
        time.sleep(2 * RETENTION_S)
        os.kill(city.node.process.pid, signal.SIGCONT)
        city.holds("P3", "P4", "P5")
        wait_for("a node that was frozen for as long goes on, with a catalog that lacks nothing", lambda: city.rows() == ["P3", "P4", "P5"])
    finally:
        city.node.stop()
        subprocess.run(["rm", "-rf", folder])


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""A landing and a subscriber that were away for longer than deletes stay in the log, on the real binaries: what was withdrawn meanwhile does
not stay with them; and who missed nothing takes no snapshot. outdated_cursor_test.py BUILD."""
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

import outdated_catalog_test as catalog
from outdated_catalog_test import BUILD, PURPOSE, City, check, wait_for
import figures
from cluster import Cluster

RETENTION_S = catalog.RETENTION_S = 10
DATASET = "insurance_participation"


class Bureau:
    """Its database, its agent with one landing, and a clerk who subscribes by hand."""

    def __init__(self, city, folder):
        self.city, self.node, self.folder = city, city.node, os.path.join(folder, "node/agents/km-hrss")
        self.cluster = Cluster(os.path.join(folder, "postgresql"), os.path.join(folder, "postgresql.log"))
        self.cluster.start()
        self.cluster.psql("postgres", "CREATE DATABASE bureau")
        self.process = None

    def start(self):
        self.folder = self.node.start_agent("km-hrss", landings=[{
            "id": "land", "plugin": "postgresql", "receiver": "530100", "dataset": DATASET, "purpose": PURPOSE,
            "options": {"dsn": self.cluster.dsn("bureau"), "table": DATASET}}])
        self.process = self.node.processes[-1]

    def leave(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=30)

    def rows(self):
        return sorted((self.cluster.psql("bureau", f"SELECT person_number FROM {DATASET}", check=False) or "").split())

    def holds(self, *people):
        wait_for(f"the landing holds {', '.join(people)}", lambda: self.rows() == sorted(people), lambda: f"{self.rows()}\n{self.log()[-2000:]}")

    def log(self):
        with open(os.path.join(self.folder, "agent.log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def snapshots_anew(self):
        return self.log().count("the cursor is too old")

    def subscribe(self, *arguments):
        done = subprocess.run([os.path.join(BUILD, "bin/huiliu"), "--config", self.node.profile("hrss-clerk"), "--output", "json",
                               "subscribe", DATASET, "--purpose", PURPOSE, *arguments], capture_output=True, text=True, timeout=60)
        return [json.loads(line) for line in done.stdout.splitlines()], done.returncode, done.stderr


def main():
    folder = tempfile.mkdtemp(prefix="huiliu-away-")
    os.chmod(folder, 0o755)
    city = City(folder)
    bureau = Bureau(city, folder)
    try:
        city.start()
        bureau.start()
        city.drop(("P1", "U"), ("P2", "U"))
        city.holds("P1", "P2")
        bureau.holds("P1", "P2")
        lines, code, error = bureau.subscribe()
        check(code == 0, "a clerk subscribes", error)
        cursor = lines[-1]["cursor"]

        bureau.leave()
        time.sleep(2 * RETENTION_S)
        bureau.start()
        wait_for("the landing is back", lambda: figures.status(bureau.folder, "land").get("state") == "running")
        # It follows again, and nothing happens for as long as deletes stay.
        time.sleep(2 * RETENTION_S)
        city.drop(("P4", "U"))
        bureau.holds("P1", "P2", "P4")
        check(bureau.snapshots_anew() == 0, "who missed nothing goes on, however long it is", bureau.log()[-2000:])

        bureau.leave()
        city.drop(("P1", "D"), ("P3", "U"))
        city.holds("P2", "P3", "P4")
        time.sleep(2 * RETENTION_S)
        bureau.start()
        bureau.holds("P2", "P3", "P4")
        check(bureau.snapshots_anew() == 1, "it was told that it may have missed something, and took a snapshot", bureau.log()[-2000:])

        _, code, error = bureau.subscribe("--cursor", cursor)
        check(code != 0 and "续传位置过旧" in error and "--subscription" in error, "the clerk is told what to do", error)
        lines, code, error = bureau.subscribe()
        check(code == 0 and sorted(line["row"]["fields"]["person_number"] for line in lines if "row" in line) == ["P2", "P3", "P4"],
              "and has all by it", error)
    finally:
        city.node.stop()
        bureau.cluster.stop()
        subprocess.run(["rm", "-rf", folder])


if __name__ == "__main__":
    main()

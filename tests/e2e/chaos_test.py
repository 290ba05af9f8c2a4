#!/usr/bin/env python3
"""Three brokers, three nodes, sixteen receivers, under load: brokers and nodes are killed and stopped for longer than their sessions, from a printed
seed; then every row is in its receiver's returned topic, catalog and table exactly once, counts balance, lineage verifies.
chaos_test.py BUILD [SECONDS]; HUILIU_SEED replays the faults. docs/TESTING.md says how each is injected."""
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from several_nodes import Brokers, check  # noqa: E402
from hub import DATASET, OUTCOMES, PREFECTURES, Hub, Rows  # noqa: E402
from cluster import Cluster  # noqa: E402
from demo_purpose import PURPOSE  # noqa: E402
from pki import Pki  # noqa: E402

BUILD = os.path.abspath(sys.argv[1])
SECONDS = float(sys.argv[2]) if len(sys.argv) > 2 else 60
SEED = int(os.environ.get("HUILIU_SEED", time.time_ns() % 10**9))
NODES = BROKERS = 3
EDGE = ["530100"]


def await_state(pid, state, what):
    """A fault that did not happen proves nothing."""
    deadline = time.time() + 10
    while True:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            now = file.read().rpartition(")")[2].split()[0]
        if now == state:
            return
        if time.time() > deadline:
            sys.exit(f"FAILED: {what}: its state is {now}")
        time.sleep(0.01)


class Faults:
    """One at a time, so that two of three brokers and nodes are always there; each has ended before the next begins."""

    def __init__(self, hub, brokers, rng):
        self.hub, self.brokers, self.rng, self.done = hub, brokers, rng, []

    def kill_node(self):
        i = self.rng.randrange(NODES)
        victim = self.hub.huiliud[i]
        self.hub.kill(i)
        check(victim.returncode == -signal.SIGKILL, f"n{i} was running and is killed", victim.returncode)
        time.sleep(self.rng.uniform(0, 3))
        self.hub.run_huiliud(i)

    def stop_node(self):
        """Longer than its session: when it goes on, it is a zombie."""
        i = self.rng.randrange(NODES)
        self.hub.signal(i, signal.SIGSTOP)
        await_state(self.hub.huiliud[i].pid, "T", f"n{i} stands still")
        time.sleep(self.rng.uniform(8, 12))
        self.hub.signal(i, signal.SIGCONT)

    def kill_broker(self):
        broker = str(self.rng.randrange(BROKERS) + 1)
        self.brokers.run("kill", broker)
        time.sleep(self.rng.uniform(0, 3))
        self.brokers.run("start", broker)

    def stop_broker(self):
        broker = str(self.rng.randrange(BROKERS) + 1)
        self.brokers.run("pause", broker)
        time.sleep(self.rng.uniform(10, 14))
        self.brokers.run("start", broker)

    def run(self, until):
        """Each kind once, in an order from the seed, however long that takes; then any."""
        kinds = [self.kill_node, self.stop_node, self.kill_broker, self.stop_broker]
        first = self.rng.sample(kinds, len(kinds))
        while first or time.time() < until:
            fault = first.pop() if first else self.rng.choice([self.kill_node, *kinds])
            print(f"  {fault.__name__}", flush=True)
            fault()
            self.done.append(fault.__name__)
            time.sleep(self.rng.uniform(1, 3))


def returned(brokers, receiver):
    """What a read_committed consumer sees: for each key its last state, and how often each state of a key was written."""
    done = subprocess.run(["kcat", "-b", brokers.bootstrap, "-C", "-q", "-e", "-o", "beginning", "-t", f"huiliu.returned.{receiver}.{DATASET}",
                           "-X", "isolation.level=read_committed", "-f", "%K %S %o\\n%k\\n"], capture_output=True, timeout=120)
    if done.returncode != 0:
        sys.exit(f"FAILED: kcat {receiver}: {done.stderr.decode()[-500:]}")
    lines = done.stdout.split(b"\n")
    latest, writes = {}, 0
    for i in range(0, len(lines) - 1, 2):
        size = int(lines[i].split()[1])
        latest[lines[i + 1]] = size
        writes += 1
    return {key for key, size in latest.items() if size > 0}, writes


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        at += 1
        if data[at - 1] < 0x80:
            return value, at
        shift += 7


def fields(message):
    """The first value of each field: numbers, or bytes."""
    out, at = {}, 0
    while at < len(message):
        tag, at = varint(message, at)
        if tag & 7 == 0:
            value, at = varint(message, at)
        elif tag & 7 == 2:
            size, at = varint(message, at)
            value, at = message[at:at + size], at + size
        else:
            value, at = message[at:at + (8 if tag & 7 == 1 else 4)], at + (8 if tag & 7 == 1 else 4)
        out.setdefault(tag >> 3, value)
    return out


def committed(brokers, topic):
    """(key, value) of each message that a read_committed consumer sees."""
    done = subprocess.run(["kcat", "-b", brokers.bootstrap, "-C", "-q", "-e", "-o", "beginning", "-t", topic, "-X", "isolation.level=read_committed",
                           "-f", "%K %S\\n%k%s\\n"], capture_output=True, timeout=120)
    if done.returncode != 0:
        sys.exit(f"FAILED: kcat {topic}: {done.stderr.decode()[-500:]}")
    data, at, out = done.stdout, 0, []
    while at < len(data):
        line = data.index(b"\n", at)
        key, value = (max(0, int(n)) for n in data[at:line].split())
        out.append((data[line + 1:line + 1 + key], data[line + 1 + key:line + 1 + key + value]))
        at = line + 2 + key + value
    return out


def positions(brokers, sources):
    """A source's stored position is that of its last batch in lineage, and lineage has each batch up to it once."""
    stored = dict(committed(brokers, "huiliu._positions"))
    taken = {source: {} for source in sources}
    for _, entry in committed(brokers, "huiliu.lineage"):
        entry = fields(entry)
        source = entry.get(5, b"").decode()
        if entry.get(1) == 1 and source in taken:  # STEP_INTAKE
            taken[source].setdefault(entry[11], []).append((entry[10], entry[12]))
    for source in sources:
        position = fields(stored[b"p/source/" + source.encode()])
        sequence = position[2]
        check(sorted(taken[source]) == list(range(1, sequence + 1)), f"{source}: its position is that of batch {sequence}, the last in lineage, and none is missing",
              (sequence, len(taken[source])))
        repeated = {number: entries for number, entries in taken[source].items() if len(entries) != 1}
        check(not repeated, f"{source}: each batch was taken over once", repeated)
        check(taken[source][sequence][0] == (position[3], position[5]), f"{source}: and it is the same batch")


def main():
    print(f"seed {SEED}, {SECONDS} s of faults", flush=True)
    rng = random.Random(SEED)
    folder = tempfile.mkdtemp(prefix="huiliu-chaos-")
    os.chmod(folder, 0o755)
    brokers = Brokers(BUILD, folder, BROKERS)
    table = Cluster(os.path.join(folder, "postgresql"), os.path.join(folder, "postgresql.log"))
    hub = Hub(BUILD, folder, Pki(os.path.join(folder, "pki")), NODES)
    try:
        brokers.start()
        table.start()
        table.psql("postgres", "CREATE DATABASE bureau")
        hub.backbone = brokers.lines()
        hub.start()
        hub.set_up()
        drops = {name: os.path.join(folder, name) for name in ("hub", "edge")}
        for path in drops.values():
            os.makedirs(path)
        hub.start_agent("state-si", sources=[hub.file_source("hub", drops["hub"]), hub.file_source("edge", drops["edge"])])
        hub.start_agent("km-hrss", landings=[{"id": "land", "plugin": "postgresql", "receiver": "530100", "dataset": DATASET, "purpose": PURPOSE,
                                              "options": {"dsn": table.dsn("bureau"), "table": "participation"}, "batch_rows": 200}])
        # Other people: one system returns them through both sources.
        of = {"hub": Rows(SEED, 4000, "P"), "edge": Rows(SEED + 1, 2000, "E")}
        until = time.time() + SECONDS

        def load():
            part = 0
            while time.time() < until:
                for name, rows in of.items():
                    rows.write(drops[name], f"{part:05d}", 400, tuple(PREFECTURES) if name == "hub" else (*EDGE, "532900"))
                part += 1
                time.sleep(0.8)

        loader = threading.Thread(target=load)
        loader.start()
        faults = Faults(hub, brokers, rng)
        faults.run(until)
        loader.join()
        print(f"{len(faults.done)} faults: " + ", ".join(f"{n} {faults.done.count(n)}" for n in sorted(set(faults.done))), flush=True)
        for kind in ("kill_node", "stop_node", "kill_broker", "stop_broker"):
            check(kind in faults.done, f"{kind} happened")
        verify(hub, brokers, table, of)
        positions(brokers, ("hub", "edge"))
    except BaseException:
        print(f"replay with HUILIU_SEED={SEED}\n{hub.logs()}", file=sys.stderr)
        for agent in ("state-si", "km-hrss"):
            path = os.path.join(folder, "agents", agent, "agent.log")
            if os.path.exists(path):
                with open(path, errors="replace") as file:
                    print(f"--- {agent}\n" + file.read()[-2500:], file=sys.stderr)
        raise
    finally:
        hub.stop()
        table.stop()
        brokers.stop()
        subprocess.run(["rm", "-rf", folder])
    print("chaos: passed")


def verify(hub, brokers, table, of):
    expected = {r: dict(of["hub"].held[r]) for r in PREFECTURES}
    for receiver in EDGE:
        expected[receiver].update(of["edge"].held[receiver])
    written = {r: of["hub"].written + (of["edge"].written if r in EDGE else 0) for r in PREFECTURES}
    for receiver in PREFECTURES:
        hub.await_that(lambda r=receiver: hub.counts(r)["read"] == written[r], f"{receiver}: every row is counted", 240)
        hub.await_that(lambda r=receiver: hub.held(r) == expected[r], f"{receiver}: its catalog holds what it must", 240)
        total = hub.counts(receiver)
        check(total["read"] == written[receiver] == sum(total[o] for o in OUTCOMES), f"{receiver}: {total['read']} rows read once each, in balance", total)
        keys, writes = returned(brokers, receiver)
        check(len(keys) == len(expected[receiver]), f"{receiver}: {len(keys)} keys in its returned topic, of {writes} committed writes",
              (len(keys), len(expected[receiver])))
        left = of["hub"].moves[receiver] + (of["edge"].moves[receiver] if receiver in EDGE else 0)
        check(writes == total["returned"] + left, f"{receiver}: each row that is its own was written once, and a tombstone for each that left",
              (writes, total["returned"], left))

    def landed():
        rows = table.psql("bureau", "SELECT person_number || '|' || insured_division || '|' || status FROM participation").split("\n")
        return {row.split("|")[0]: tuple(row.split("|")[1:]) for row in rows if row}

    hub.await_that(lambda: landed() == expected["530100"], "the bureau's table holds what it must", 240)
    check(True, f"the bureau's table holds its {len(expected['530100'])} rows")
    hub.write_profiles()
    hub.tell_auditor()
    export = os.path.join(hub.state, "lineage")
    huiliu = [os.path.join(BUILD, "bin/huiliu"), "--config", hub.profile("audit-admin")]
    done = subprocess.run([*huiliu, "--node", f"localhost:{hub.grpc}", "audit", "export", export], capture_output=True, text=True, timeout=240)
    check(done.returncode == 0, "lineage is exported", done.stdout + done.stderr)
    done = subprocess.run([*huiliu, "audit", "verify", export], capture_output=True, text=True, timeout=240)
    check(done.returncode == 0, "and verifies", done.stdout + done.stderr)
    for i in range(NODES):
        hub.await_that(lambda: "advice" not in hub.status(i), f"n{i} says that nothing is to be done")
        check(True, f"n{i} says that nothing is to be done")


main()

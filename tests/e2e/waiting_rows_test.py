#!/usr/bin/env python3
"""Daily full exports with rows that wait, on the real binaries, at the edge and at the node: each row counts once, whichever of a record's rows somebody corrects
or an override claims decides it, the others count as that, a withdrawal takes all of it back whatever is killed meanwhile, better data ends the waiting, and a
delete of what never came is claimed by its record. waiting_rows_test.py BUILD; HUILIU_SEED replays a run."""
import json
import os
import random
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "deploy/demo"))
import registry_data  # noqa: E402
from demo_purpose import PURPOSE  # noqa: E402
from node import Node  # noqa: E402
from pki import Pki  # noqa: E402

BUILD = os.path.abspath(sys.argv[1])
SEED = int(os.environ.get("HUILIU_SEED", time.time_ns() % 10**9))
OUTCOMES = ("returned", "outside_area", "withheld", "quarantined", "pending")
HEADER = "个人编号,身份证号,姓名,参保地区划,参保地,险种,参保状态,更新时间,操作\n"
DATASET = "insurance_participation"
MANY = 700  # records that one override claims: several batches, pages or transactions
DAYS = 3


def check(condition, what, detail=""):
    if not condition:
        sys.exit(f"FAILED: {what} (replay with HUILIU_SEED={SEED})\n{detail}")
    print("ok:", what, flush=True)


def wait_for(what, condition, detail=lambda: "", seconds=240):
    deadline = time.time() + seconds
    while time.time() < deadline:
        try:
            if condition():
                return check(True, what)
        except OSError:  # it is starting again
            pass
        time.sleep(0.1)
    sys.exit(f"FAILED: {what}: not within {seconds} s (replay with HUILIU_SEED={SEED})\n{detail()}")


def row(number, division="", place="", second=1, operation="U"):
    return f"{number},,王,{division},{place},养老,参保,2026-01-01 00:00:{second:02d},{operation}\n"


class TestNode(Node):
    ACCOUNTS = {**Node.ACCOUNTS, "si-officer": ("state-si", ["data_officer"])}
    placements = {}

    def put(self, account, method, **request):
        if method == "Registry/PutSource":
            request["source"]["placement"] = self.placements[request["source"]["id"]]
        return super().put(account, method, **request)

    def crash(self):
        self.process.kill()
        self.process.wait()
        self.run_node()


class Department:
    """One source of the system, decided at the edge or at the node."""

    def __init__(self, folder, placement):
        self.folder, self.at_node = folder, placement == "PLACEMENT_NODE"
        self.drop = os.path.join(folder, "drop")
        os.makedirs(self.drop)
        self.node = TestNode(BUILD, folder, Pki(os.path.join(folder, "pki")))
        self.node.placements = {"si": placement}
        self.node.start()
        registry_data.register_contracts(self.node)
        registry_data.register_systems(self.node)
        registry_data.grant(self.node, "km-hrss", DATASET, PURPOSE)
        self.node.write_profiles()
        state = self.node.start_agent("state-si", sources=[
            {"id": "si", "_system": "sv-social-insurance", "plugin": "file", "dataset": DATASET, "linger_ms": 20,
             "mapping": os.path.join(ROOT, f"deploy/samples/mappings/{DATASET}.yaml"), "options": {"path": self.drop, "settle_ms": 200}}])
        self.config, self.log = os.path.join(state, "agent.yaml"), os.path.join(state, "agent.log")
        self.agent = self.node.processes[-1]

    def crash_agent(self):
        self.agent.kill()
        self.agent.wait()
        self.agent = subprocess.Popen([os.path.join(BUILD, "bin/huiliu-agent"), "run", "--config", self.config], stdout=open(self.log, "a"), stderr=subprocess.STDOUT)
        self.node.processes.append(self.agent)

    def write(self, name, text):
        part = os.path.join(self.drop, "." + name)
        with open(part, "w", encoding="utf-8") as file:
            file.write(HEADER + text)
        os.rename(part, os.path.join(self.drop, name))

    def counts(self):
        total = dict.fromkeys(OUTCOMES, 0)
        for line in self.node.call("audit-admin", "Audit/GetBalance").get("lines", []):
            numbers = {name: int(line.get(name, 0)) for name in OUTCOMES}
            check(min(numbers.values()) >= 0 and sum(numbers.values()) == int(line.get("read", 0)), "the balance holds", line) if min(numbers.values()) < 0 or sum(
                numbers.values()) != int(line.get("read", 0)) else None
            for name in OUTCOMES:
                total[name] += numbers[name]
        return {name: count for name, count in total.items() if count}

    def wait_counts(self, what, **expected):
        wait_for(f"{what}: {expected}", lambda: self.counts() == expected, self.counts)

    def held(self):
        rows, token = {}, ""
        while True:
            page = self.node.call("hrss-clerk", "Catalog/Query", context={"receiver": "530100", "dataset": DATASET, "purpose": PURPOSE}, page_size=1000, page_token=token)
            rows.update({one["fields"]["person_number"]: one["division"] for one in page.get("rows", [])})
            token = page.get("next_page_token", "")
            if not token:
                return rows

    def wait_held(self, what, **expected):
        wait_for(f"{what}: held {expected}", lambda: {k: v for k, v in self.held().items() if k.startswith("K")} == expected, self.held)

    def cli(self, account, *arguments, expect=0):
        done = subprocess.run([os.path.join(BUILD, "bin/huiliu"), "--config", self.node.profile(account), *arguments], capture_output=True, text=True, timeout=60)
        if done.returncode != expect:
            check(False, f"huiliu {' '.join(arguments[:3])} ends with {expect}", f"{done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def verb(self, *arguments, expect=0):
        done = subprocess.run([os.path.join(BUILD, "bin/huiliu-agent"), *arguments, "--config", self.config, "--output", "json"], capture_output=True, text=True, timeout=100)
        if done.returncode != expect:
            check(False, f"huiliu-agent {' '.join(arguments[:2])} ends with {expect}", f"{done.returncode}\n{done.stdout}{done.stderr}")
        return [json.loads(line) for line in done.stdout.splitlines()]

    def waiting(self):
        """Ids by the place of the row, in the order in which they came."""
        if not self.at_node:
            return {one["place"]: one["id"] for one in self.verb("pending", "list", "--source", "si")}
        rows, token = {}, ""
        while True:
            page = self.node.call("si-officer", "Intake/ListQuarantine", source="si", page_size=1000, page_token=token)
            rows.update({one["place"]: one["id"] for one in page.get("rows", [])})
            token = page.get("next_page_token", "")
            if not token:
                return rows

    def redrive(self, place, number, division=None):
        """Corrected, or as it is. What became of it."""
        found = [one for at, one in self.waiting().items() if at.startswith(place)]
        check(len(found) == 1, f"one row waits at {place}", self.waiting())
        if not self.at_node:
            return self.verb("pending", "redrive", found[0], *(["--set", f"参保地区划={division}"] if division else []))[0]["outcome"]
        shown = self.node.call("si-officer", "Intake/ListQuarantine", source="si", page_size=1000)
        raw = next(one for one in shown["rows"] if one["id"] == found[0])["raw"]
        correction = {"id": found[0], "payload": raw}
        if division:
            done = self.cli("si-officer", "quarantine", "show", found[0], "--source", "si")
            record = json.loads(done.strip().split("\n")[-1])
            check(record["person_number"] == number, f"{place} is {number}'s", record)
            correction = {"id": found[0], "json": json.dumps({**record, "insured_division": division}, ensure_ascii=False)}
        return self.node.call("si-officer", "Intake/Redrive", source="si", corrections=[correction])["results"][0]["outcome"]

    def claim(self, division, *match):
        told = self.cli("data-officer", "override", "propose", "--dataset", DATASET, "--reason", "参保单位来函", "--division", division, *match, "--output", "json")
        one = json.loads(told.splitlines()[0])["id"]
        self.cli("data-approver", "override", "approve", one)
        return one


def corrected(d):
    for day in (1, 2, 3):
        d.write(f"d{day}.csv", row("K1") + row("K2"))
        d.wait_counts(f"day {day}", pending=2 * day)
    check(d.redrive("d1.csv:2", "K1", "530102") == "OUTCOME_RETURNED", "the first of three rows is corrected")
    d.wait_held("the record is published", K1="530102")
    d.wait_counts("and its other rows count as that by themselves", pending=3, returned=3)
    d.write("d4.csv", row("K1") + row("K2"))
    d.wait_counts("the next day waits no more", pending=4, returned=4)
    check(all(place.endswith(":3") for place in d.waiting()), "what waits is the other's", d.waiting())
    d.wait_held("and nothing else has changed", K1="530102")


def claimed(d):
    by_record = d.claim("530103", "--record-key", "K2", "--record-key", "养老", "--system", "sv-social-insurance")
    d.wait_counts("a claim decides every row of the record", returned=8)
    check(not d.waiting(), "none waits any more", d.waiting())
    d.wait_held("it is published", K1="530102", K2="530103")
    d.write("d5.csv", row("K1") + row("K2"))
    d.wait_counts("the next day", returned=10)
    d.cli("data-officer", "override", "withdraw", by_record, "--reason", "核查有误")
    d.wait_counts("withdrawn, all of its rows wait again", returned=5, pending=5)
    d.wait_held("and nobody holds it", K1="530102")
    check(len(d.waiting()) == 5, "each can be decided again", d.waiting())
    d.crash_agent()
    d.node.crash()
    time.sleep(3)
    d.wait_counts("a restart moves nothing", returned=5, pending=5)
    check(d.redrive("d4.csv:3", "K2", "530111") == "OUTCOME_RETURNED", "corrected after the withdrawal")
    d.wait_held("it is published", K1="530102", K2="530111")
    d.wait_counts("and its rows count as that", returned=10)


def better_data(d):
    d.write("d6.csv", row("K3"))
    d.write("d7.csv", row("K3"))
    d.wait_counts("two days", returned=10, pending=2)
    d.write("d8.csv", row("K3", "532901", second=2))
    d.wait_counts("better data stands", returned=10, outside_area=1, pending=2)
    for place in ("d6.csv:2", "d7.csv:2"):
        check(d.redrive(place, "K3") == "OUTCOME_OUTSIDE_AREA", "what it has ended counts as that, redriven as it is")
    d.wait_counts("and nothing waits", returned=10, outside_area=3)
    check(not d.waiting(), "none is listed", d.waiting())
    d.wait_held("and what is not the city's never comes", K1="530102", K2="530111")


def deletes(d):
    d.write("d9.csv", row("K9", operation="D"))
    d.wait_counts("a delete of what never came waits", returned=10, outside_area=3, pending=1)
    by_record = d.claim("530102", "--record-key", "K9", "--record-key", "养老", "--system", "sv-social-insurance")
    d.wait_counts("who knows whose it is says so", returned=11, outside_area=3)
    check(not d.waiting(), "and nothing waits", d.waiting())
    d.cli("data-officer", "override", "withdraw", by_record, "--reason", "核查有误")
    d.wait_counts("withdrawn, the delete waits again", returned=10, outside_area=3, pending=1)
    check(len(d.waiting()) == 1, "and is listed", d.waiting())
    d.wait_held("nobody ever held it", K1="530102", K2="530111")


def many(d):
    """Killed while many rows move."""
    dice = random.Random(SEED)
    base = {"returned": 10, "outside_area": 3, "pending": 1}
    for day in range(1, DAYS + 1):
        d.write(f"m{day}.csv", "".join(row(f"M{i}", place="金碧新城") for i in range(MANY)))
    d.wait_counts("several days of many", **{**base, "pending": base["pending"] + MANY * DAYS})
    by_name = d.claim("530102", "--name", "insured_place=金碧新城")

    def kill():
        for turn in range(3):
            time.sleep(dice.uniform(0.05, 0.5))
            d.node.crash() if turn == 1 else d.crash_agent()
    kill()
    d.wait_counts("claimed", **{**base, "returned": base["returned"] + MANY * DAYS})
    wait_for("all are held", lambda: sum(number.startswith("M") for number in d.held()) == MANY, lambda: len(d.held()))
    d.cli("data-officer", "override", "withdraw", by_name, "--reason", "核查有误")
    kill()
    d.wait_counts("withdrawn", **{**base, "pending": base["pending"] + MANY * DAYS})
    wait_for("none is held", lambda: not any(number.startswith("M") for number in d.held()), lambda: len(d.held()))
    check(len(d.waiting()) == MANY * DAYS + 1, "each row waits once", len(d.waiting()))


def main():
    print("seed", SEED, flush=True)
    for placement in ("PLACEMENT_EDGE", "PLACEMENT_NODE"):
        print("--", placement, flush=True)
        with tempfile.TemporaryDirectory(prefix="huiliu-waiting-") as folder:
            d = None
            try:
                d = Department(folder, placement)
                for part in (corrected, claimed, better_data, deletes, many):
                    part(d)
            except BaseException:
                for path in (os.path.join(folder, "node.log"), d and d.log):
                    if path and os.path.exists(path):
                        print(os.path.basename(path), open(path, errors="replace").read()[-3000:], file=sys.stderr)
                raise
            finally:
                if d is not None:
                    d.node.stop()
    print("waiting rows: passed")


main()

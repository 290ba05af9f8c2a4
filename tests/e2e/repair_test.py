#!/usr/bin/env python3
"""Rows that are kept for repair, on the real binaries: listed, shown, corrected, decided again, by a running worker and without one;
each count moves within its day, whatever is killed. repair_test.py BUILD"""
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "deploy/demo"))
import registry_data  # noqa: E402
from node import Node  # noqa: E402
from pki import Pki  # noqa: E402

BUILD = os.path.abspath(sys.argv[1])
SEED = int(os.environ.get("HUILIU_SEED", time.time_ns() % 10**9))
COLUMNS = "个人编号,身份证号,姓名,参保地区划,参保地,单位统一社会信用代码,险种,参保状态,参保日期,操作,更新时间".split(",")
OUTCOMES = ("returned", "outside_area", "withheld", "quarantined", "pending")


def line(number, division, place="", status="参保"):
    return f"{number},530102199001011234,张三,{division},{place},,养老,{status},2020-01-01,U,2026-01-01 00:00:01\n"


def check(condition, what, shown=""):
    if not condition:
        sys.exit(f"FAILED (seed {SEED}): {what}\n{shown}")
    print("ok:", what)


class Department:
    def __init__(self, folder, node):
        self.folder, self.node = folder, node
        self.drops = os.path.join(folder, "drops")
        os.makedirs(self.drops)
        certificate, key = node.pki.organisation("state-si")
        config = {"agent": "a", "node": {"address": f"127.0.0.1:{node.grpc}", "ca": node.pki.ca(), "certificate": certificate, "key": key, "server_name": "localhost"},
                  "state_dir": os.path.join(folder, "agent"), "plugins": os.path.join(BUILD, "lib"), "divisions": os.path.join(ROOT, "schemas/divisions"),
                  "sources": [{"id": "si", "plugin": "file", "dataset": "insurance_participation", "linger_ms": 50,
                               "mapping": os.path.join(ROOT, "deploy/samples/mappings/insurance_participation.yaml"),
                               "options": {"path": self.drops, "pattern": "*.csv", "charset": "gb18030", "header": COLUMNS}}]}
        self.config = os.path.join(folder, "agent.yaml")
        with open(self.config, "w", encoding="utf-8") as file:
            json.dump(config, file, ensure_ascii=False)
        public = subprocess.run([self.program(), "key", "--config", self.config, "--source", "si"], capture_output=True, text=True, check=True).stdout.strip()
        node.register_source("si", "sv-social-insurance", "insurance_participation", "state-si", public)
        self.process = None

    def program(self):
        return os.path.join(BUILD, "bin/huiliu-agent")

    def start(self):
        self.process = subprocess.Popen([self.program(), "worker", "--config", self.config, "--source", "si"],
                                        stdout=open(os.path.join(self.folder, "agent.log"), "a"), stderr=subprocess.STDOUT)

    def stop(self, kill=False):
        self.process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        self.process.wait()

    def drop(self, name, data):
        with open(os.path.join(self.drops, name), "wb") as file:
            file.write((",".join(COLUMNS) + "\n").encode("gb18030") + data)

    def verb(self, *arguments, expect=0):
        done = subprocess.run([self.program(), *arguments, "--config", self.config], capture_output=True, text=True, timeout=100)
        if expect is not None and done.returncode != expect:
            sys.exit(f"FAILED: huiliu-agent {' '.join(arguments)} ended with {done.returncode}, not {expect}:\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def json(self, *arguments, expect=0):
        return [json.loads(one) for one in self.verb(*arguments, "--output", "json", expect=expect).splitlines()]


def balance(node):
    total = dict.fromkeys(("read", *OUTCOMES), 0)
    for one in node.call("data-officer", "Audit/GetBalance").get("lines", []):
        for outcome in total:
            total[outcome] += int(one.get(outcome, 0))
    return total


def wait_read(node, rows):
    """A worker whose node was killed over and over waits longer each time before it tries again."""
    for _ in range(2400):
        try:
            if balance(node)["read"] == rows:
                return
        except OSError:  # the node is starting again
            pass
        time.sleep(0.05)
    sys.exit(f"FAILED: {rows} rows were not read: {balance(node)}")


def counts(node, **expected):
    found = balance(node)
    check(found == {"read": sum(expected.values()), **dict.fromkeys(OUTCOMES, 0), **expected}, f"counts {expected}", found)


def by_hand(node, department):
    department.drop("a.csv", line("P1", "530102").encode("gb18030") + line("", "530102").encode("gb18030")
                    + b"P3,\xff\xff,x,530102,,,y,z,2020-01-01,U,2026-01-01 00:00:01\n" + line("P4", "").encode("gb18030") + line("P5", "532901").encode("gb18030"))
    department.start()
    wait_read(node, 5)
    counts(node, returned=1, outside_area=1, quarantined=2, pending=1)
    decided = department.json("decisions", "list")
    check([(row["row"], row["outcome"], row["division"]) for row in decided]
          == [("a.csv:2", "returned", "530102"), ("a.csv:5", "pending", ""), ("a.csv:6", "outside_area", "532901")],
          "what was decided for each record, while the worker runs", decided)
    check([row["row"] for row in department.json("decisions", "list", "--outcome", "outside_area")] == ["a.csv:6"], "by outcome")
    kept = {row["reason"]: row for row in department.json("quarantine", "list")}
    check(len(kept) == 2 and all("a.csv" in row["place"] for row in kept.values()), "kept rows name file and line, while the worker runs", kept)
    no_key, bad_bytes = [row for reason, row in kept.items() if "charset" not in reason][0], [row for reason, row in kept.items() if "charset" in reason][0]
    shown = department.verb("quarantine", "show", no_key["id"])
    check("530102199001011234" in shown and "险种" in shown, "a row is shown whole to its own department", shown)
    check("张三" not in department.verb("quarantine", "list"), "a list shows nothing personal")
    again = department.json("quarantine", "redrive", no_key["id"], expect=3)
    check(again[0]["error"] != "" and again[0]["outcome"] == "OUTCOME_QUARANTINED", "uncorrected it stays, with its reason", again)
    wrong = department.json("quarantine", "redrive", no_key["id"], "--set", "没有的列=1", expect=3)
    check("没有的列" in wrong[0]["error"], "an unknown column is named", wrong)
    done = department.json("quarantine", "redrive", no_key["id"], "--set", "个人编号=P2")
    check(done[0]["outcome"] == "OUTCOME_RETURNED" and done[0]["error"] == "", "corrected it returns", done)
    counts(node, returned=2, outside_area=1, quarantined=1, pending=1)
    twice = department.json("quarantine", "redrive", no_key["id"], "--set", "个人编号=P2", expect=3)
    check("已重新判定" in twice[0]["error"], "a count moves once", twice)
    missing = department.json("quarantine", "redrive", bad_bytes["id"], "--set", "个人编号=P3", expect=3)
    check("身份证号" in missing[0]["error"], "a row that could not be read wants every column", missing)
    department.stop()
    cells = {column: None for column in COLUMNS} | {"个人编号": "P3", "险种": "养老", "参保地区划": "530103", "操作": "U", "更新时间": "2026-01-01 00:00:01"}
    with open(os.path.join(department.folder, "fix.jsonl"), "w", encoding="utf-8") as file:
        file.write(json.dumps({"id": bad_bytes["id"], "cells": cells}, ensure_ascii=False) + "\n")
    done = department.json("quarantine", "redrive", "--corrections", os.path.join(department.folder, "fix.jsonl"))
    check(done[0]["outcome"] == "OUTCOME_RETURNED", "decided again where no worker runs", done)
    pending = department.json("pending", "list")
    check(len(pending) == 1, "what nothing decided is a list of its own", pending)
    done = department.json("pending", "redrive", pending[0]["id"], "--set", "参保地=大理市")
    check(done[0]["outcome"] == "OUTCOME_OUTSIDE_AREA", "a pending row is decided by what was added", done)
    counts(node, returned=3, outside_area=2)
    check(department.json("quarantine", "list") == [] and len(department.json("quarantine", "list", "--redriven")) == 2, "decided again, listed on demand only")


def under_fire(node, department):
    """Many rows are decided again, all at once, by verbs, while worker and node are killed."""
    rng = random.Random(SEED)
    print("seed", SEED)
    # It is read again whole: what was corrected in it must not count or wait once more.
    os.utime(os.path.join(department.drops, "a.csv"))
    department.drop("b.csv", "".join(line("", "530102") for _ in range(300)).encode("gb18030"))
    department.start()
    wait_read(node, 305)
    ids = [row["id"] for row in department.json("quarantine", "list")]
    check(len(ids) == 300, "300 rows are kept")
    over = threading.Event()

    def killer():
        while not over.is_set():
            time.sleep(rng.uniform(0.1, 0.6))
            if rng.random() < 0.7:
                department.stop(kill=True)
                department.start()
            else:
                node.crash()

    thread = threading.Thread(target=killer)
    thread.start()
    deadline = time.time() + 180
    for chunk in range(10):
        part = ids[chunk * 30:(chunk + 1) * 30]
        path = os.path.join(department.folder, f"fix{chunk}.jsonl")
        with open(path, "w", encoding="utf-8") as file:
            for i, one in enumerate(part):
                file.write(json.dumps({"id": one, "cells": {"个人编号": f"Q{chunk}-{i}"}}, ensure_ascii=False) + "\n")
        while time.time() < deadline and {row["id"] for row in department.json("quarantine", "list", expect=None)} & set(part):
            department.verb("quarantine", "redrive", "--corrections", path, "--wait", "3", expect=None)
    over.set()
    thread.join()
    wait_read(node, 305)
    counts(node, returned=303, outside_area=2)
    department.drop("c.csv", line("P7", "530102", "大理市").encode("gb18030"))
    wait_read(node, 306)
    check(department.json("pending", "list") == [], "a corrected row does not wait again when its file is read again")
    disagree = department.json("decisions", "list", "--conflict")
    check([row["row"] for row in disagree] == ["c.csv:2"], "records whose evidence disagreed are listed", disagree)
    table = department.verb("decisions", "list", "--limit", "2")
    check("共 306 条" in table and "--limit 0" in table, "what a limit leaves out is said", table)
    rows = [row for row in node.call("system-admin", "Catalog/Stats", receiver="530100")["datasets"] if row["dataset"] == "insurance_participation"]
    check(int(rows[0]["rows"]) == 303 + (disagree[0]["outcome"] == "returned"), "each of them is in the catalog once", rows)
    department.stop()


def lost_decisions(node, department):
    """An agent without its decisions reads nothing until somebody accepts the loss."""
    if department.process.poll() is None:
        department.stop()
    state = os.path.join(department.folder, "agent/sources/si")
    shutil.rmtree(os.path.join(state, "decisions"))
    read = balance(node)["read"]
    department.drop("after-loss.csv", line("P900", "530102").encode("gb18030"))
    department.start()
    check(department.process.wait(timeout=60) != 0, "a worker without its decisions ends")
    with open(os.path.join(department.folder, "agent/status/si.json"), encoding="utf-8") as file:
        why = json.load(file)["error"]
    accepted = os.path.join(state, "accept-lost-decisions")
    check(accepted in why and "请从备份恢复" in why and balance(node)["read"] == read, "says what to do, and has read nothing", why)
    open(accepted, "w").close()
    department.start()
    wait_read(node, read + 1)
    check(not os.path.exists(accepted), "goes on when told to, once")


class CrashingNode(Node):
    def crash(self):
        self.processes[0].kill()
        self.processes[0].wait()
        self.processes[0] = subprocess.Popen(self.command, stdout=open(self.log, "a"), stderr=subprocess.STDOUT, start_new_session=True)

    def spawn(self, command, log):
        self.command = command
        return super().spawn(command, log)


def main():
    with tempfile.TemporaryDirectory() as folder:
        node = CrashingNode(BUILD, folder, Pki(os.path.join(folder, "pki")))
        department = None
        try:
            node.start()
            registry_data.register_contracts(node)
            registry_data.register_systems(node)
            department = Department(folder, node)
            by_hand(node, department)
            under_fire(node, department)
            lost_decisions(node, department)
        finally:
            if department and department.process and department.process.poll() is None:
                department.process.kill()
            node.stop()
    print("repair: passed")


main()

#!/usr/bin/env python3
"""The main job on Apache Kafka gives the same figures as on the embedded backbone, a second run goes on from where the first ended, and
another program reads the returned topic. kafka_demo_test.py BUILD."""
import json
import os
import re
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import newest_client

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(sys.argv[1])
os.environ["HUILIU_BUILD"] = BUILD
CLUSTER = os.path.join(ROOT, "deploy/kafka/cluster")


def check(condition, what, detail=""):
    if not condition:
        sys.exit(f"FAILED: {what}\n{detail}")
    print("ok:", what, flush=True)


def demo(*arguments):
    done = subprocess.run([sys.executable, os.path.join(ROOT, "deploy/demo/demo.py"), "--build", BUILD, "--once", "--output", "json", *arguments],
                          capture_output=True, text=True, timeout=280)
    if done.returncode != 0:
        sys.exit(f"demo {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    result = json.loads(done.stdout.strip().splitlines()[-1])
    result.pop("seconds")
    return result


def kcat(bootstrap, *options):
    done = subprocess.run(["kcat", "-b", bootstrap, *options], capture_output=True)
    if done.returncode != 0:
        sys.exit(f"kcat {' '.join(options)}: {done.stderr.decode()[-500:]}")
    return done.stdout


def read_by_another_program(folder):
    """What a read_committed consumer sees in the returned topics."""
    subprocess.run([CLUSTER, "up", "--dir", folder], check=True, stdout=subprocess.DEVNULL)
    try:
        with open(os.path.join(folder, "bootstrap"), encoding="utf-8") as file:
            bootstrap = file.read().strip()
        topics = [t["topic"] for t in json.loads(kcat(bootstrap, "-L", "-J"))["topics"] if t["topic"].startswith("huiliu.returned.530100.")]
        sizes = []
        for topic in topics:
            read = ["-C", "-q", "-e", "-t", topic, "-o", "beginning", "-X", "isolation.level=read_committed"]
            found = [line.split() for line in kcat(bootstrap, *read, "-f", "%K %S\\n").splitlines()]
            sizes += found
            if found:
                check(b"envelope=" in kcat(bootstrap, *read, "-c", "1", "-f", "%h"), f"records of {topic} carry their envelope")
        return len(topics), len(sizes), all(int(key) > 0 for key, _ in sizes)
    finally:
        subprocess.run([CLUSTER, "down", "--dir", folder], check=True)


def read_with_confluent(state):
    """confluent-kafka and its Protobuf deserializer read a returned topic; the node is their Schema Registry."""
    folder = os.path.join(state, "kafka")
    subprocess.run([CLUSTER, "up", "--dir", folder], check=True, stdout=subprocess.DEVNULL)
    with open(os.path.join(folder, "bootstrap"), encoding="utf-8") as file:
        bootstrap = file.read().strip()
    token = tokens(state)["hrss-clerk"]
    with open(os.path.join(state, "node.yaml"), encoding="utf-8") as file:
        port = re.search(r'http: "127.0.0.1:(\d+)"', file.read()).group(1)
    ca = os.path.join(state, "pki/ca.pem")
    node = subprocess.Popen([os.path.join(BUILD, "bin/huiliud"), "--config", os.path.join(state, "node.yaml")], cwd=state, stderr=subprocess.DEVNULL)
    try:
        tls = ssl.create_default_context(cafile=ca)
        url = f"https://localhost:{port}"

        def answers():
            try:
                return urllib.request.urlopen(url + "/healthz", context=tls, timeout=5).status == 200
            except OSError:
                return False
        deadline = time.time() + 120
        while not answers():
            if time.time() > deadline:
                sys.exit("FAILED: the node does not answer")
            time.sleep(0.2)
        try:
            urllib.request.urlopen(url + "/subjects", context=tls, timeout=5)
            sys.exit("FAILED: subjects are shown to anybody")
        except urllib.error.HTTPError as error:
            check(error.code == 401 and json.load(error)["error_code"] == 40101, "the registry wants an account")
        topic = "huiliu.returned.530100.insurance_participation"
        done = subprocess.run([newest_client.python(BUILD), os.path.join(ROOT, "tests/e2e/confluent_consumer.py"), bootstrap, topic, url, ca, "hrss-clerk", token],
                              capture_output=True, text=True, timeout=300)
        check(done.returncode == 0, "confluent-kafka reads a returned topic", done.stderr[-3000:])
        rows = {}
        for line in done.stdout.splitlines():
            record = json.loads(line)
            rows[record["key"]] = record["message"]
        rows = {key: row for key, row in rows.items() if row is not None}
        request = urllib.request.Request(url + "/huiliu.v1.Catalog/Stats", json.dumps({"receiver": "530100"}).encode(), {
            "Content-Type": "application/json", "Authorization": "Bearer " + tokens(state)["system-admin"]})
        stats = json.load(urllib.request.urlopen(request, context=tls, timeout=30))["datasets"]
        held = [int(one["rows"]) for one in stats if one["dataset"] == "insurance_participation"][0]
        check(len(rows) == held, "the topic's latest records are the catalog's rows", f"{len(rows)} and {held}")
        one = next(row for row in rows.values() if row["person_number"] == "P000003")
        request = urllib.request.Request(url + "/huiliu.v1.Catalog/Get", json.dumps({
            "context": {"receiver": "530100", "dataset": "insurance_participation", "purpose": "社会保险与就业服务"},
            "key": {"values": [one["person_number"], one["insurance_type"]]}}).encode(), {"Content-Type": "application/json", "Authorization": "Bearer " + token})
        got = json.load(urllib.request.urlopen(request, context=tls, timeout=30))["row"]
        check(one["insured_division"] in json.dumps(got, ensure_ascii=False), "field by field what a lookup shows", f"{one}\n{got}")
        raw = kcat(bootstrap, "-C", "-q", "-e", "-t", topic, "-o", "beginning", "-c", "1", "-D", "", "-X", "isolation.level=read_committed")
        check(raw[0] == 0 and raw[5] == 0 and int.from_bytes(raw[1:5], "big") > 0, "kcat shows the frame: 0, the schema's id, the first message", raw[:8])
    finally:
        node.terminate()
        node.wait(timeout=60)
        subprocess.run([CLUSTER, "down", "--dir", folder], check=True)


def tokens(state):
    with open(os.path.join(state, "tokens.json"), encoding="utf-8") as file:
        return json.load(file)


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        embedded = demo()
        first = demo("--kafka", "--state", folder)
        check(first == embedded, "the same figures on Kafka as on the embedded backbone", f"{first}\n{embedded}")
        again = demo("--kafka", "--state", folder)
        check(again["read"] >= first["read"] and again["read"] == sum(again[o] for o in ("returned", "outside_area", "withheld", "quarantined", "pending")),
              "a second run goes on from the first and balances", again)
        topics, records, keyed = read_by_another_program(os.path.join(folder, "kafka"))
        check(topics >= 3 and records >= first["returned"] and keyed, f"kcat reads {records} records of {topics} returned topics, each with its key")
        read_with_confluent(folder)


main()

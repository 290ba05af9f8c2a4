#!/usr/bin/env python3
"""The main job on Apache Kafka gives the same figures as on the embedded backbone, a second run goes on from where the first ended, and
another program reads the returned topic. kafka_demo_test.py BUILD."""
import json
import os
import subprocess
import sys
import tempfile

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


main()

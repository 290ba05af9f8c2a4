#!/usr/bin/env python3
"""Kafka's own access control: one receiver's programs read their receiver's returned topics and no other's, and the node itself needs no more than its
prefix. kafka_acl_test.py BUILD."""
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

import newest_client

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(sys.argv[1])
os.environ["HUILIU_BUILD"] = BUILD
CLUSTER = os.path.join(ROOT, "deploy/kafka/cluster")
KUNMING, DALI = "huiliu.returned.530100.", "huiliu.returned.532900."
NODE = """
node: acl
data_dir: {folder}/node
listen: {{grpc: "127.0.0.1:0", http: "127.0.0.1:{port}"}}
divisions: {root}/schemas/divisions
bootstrap: {folder}/bootstrap.yaml
backbone: kafka
kafka: {{bootstrap: "{bootstrap}", security: tls, ca: {folder}/kafka/secure/ca.pem, sasl_mechanism: {mechanism}, user: {user},
  password_file: {folder}/kafka/secure/{password}, replication: 1, min_insync: 1}}
"""
BOOTSTRAP = """
receivers:
- {id: "530100", title: 昆明市, divisions: ["530100"]}
- {id: "532900", title: 大理州, divisions: ["532900"]}
organisations: []
accounts: []
"""


def check(condition, what, detail=""):
    if not condition:
        sys.exit(f"FAILED: {what}\n{detail}")
    print("ok:", what, flush=True)


def cluster(*arguments):
    done = subprocess.run([CLUSTER, *arguments], capture_output=True, text=True)
    check(done.returncode == 0, f"cluster {arguments[0]} {' '.join(arguments[1:3])}", done.stderr[-2000:])


class Brokers:
    def __init__(self, folder):
        self.folder = os.path.join(folder, "kafka")
        self.secure = os.path.join(self.folder, "secure")
        cluster("up", "--secure", "--account", "kunming", "--account", "dali", "--account", "node", "--dir", self.folder)
        with open(os.path.join(self.folder, "secure", "bootstrap"), encoding="utf-8") as file:
            self.bootstrap = file.read().strip()

    def kcat(self, account, *arguments, given=None):
        with open(os.path.join(self.secure, "accounts", account), encoding="utf-8") as file:
            password = file.read().strip()
        return subprocess.run(["kcat", "-b", self.bootstrap, "-X", "security.protocol=SASL_SSL", "-X", f"ssl.ca.location={self.secure}/ca.pem", "-X",
                               "sasl.mechanism=PLAIN", "-X", f"sasl.username={account}", "-X", f"sasl.password={password}", *arguments],
                              input=given, capture_output=True, text=True, timeout=120)

    def read(self, account, topic):
        return self.kcat(account, "-C", "-q", "-e", "-t", topic, "-o", "beginning")

    def topics(self, account):
        return {t["topic"] for t in json.loads(self.kcat(account, "-L", "-J").stdout)["topics"]}


def run_node(folder, brokers, what, mechanism="PLAIN", user="node", password="accounts/node", libraries=""):
    with open(os.path.join(folder, "bootstrap.yaml"), "w", encoding="utf-8") as file:
        file.write(BOOTSTRAP)
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    with open(os.path.join(folder, "node.yaml"), "w", encoding="utf-8") as file:
        file.write(NODE.format(folder=folder, root=ROOT, port=port, bootstrap=brokers.bootstrap, mechanism=mechanism, user=user, password=password))
    log = open(os.path.join(folder, "node.log"), "w+", encoding="utf-8")
    node = subprocess.Popen([os.path.join(BUILD, "bin/huiliud"), "--config", os.path.join(folder, "node.yaml")], stderr=log, stdout=log,
                            env=dict(os.environ, **({"LD_LIBRARY_PATH": libraries} if libraries else {})))
    deadline = time.time() + 120
    while True:
        try:
            check(urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5).status == 200, what)
            break
        except OSError as error:
            if node.poll() is not None or time.time() > deadline:
                log.seek(0)
                sys.exit(f"FAILED: {what}: {error}\n{log.read()[-2000:]}")
            time.sleep(0.2)
    with open(f"/proc/{node.pid}/maps", encoding="utf-8") as maps:
        check(("confluent" in maps.read()) == bool(libraries), "with the librdkafka that was meant")
    node.terminate()
    node.wait(timeout=60)
    log.seek(0)
    check("PERMISSION_DENIED" not in log.read(), "and was refused nothing")


def with_scram(folder, brokers):
    """Debian 12's librdkafka cannot do SCRAM with Kafka 4, a newer one can."""
    with open(os.path.join(brokers.secure, "user"), encoding="utf-8") as file:
        user = file.read().strip()
    libraries = os.path.join(folder, "libraries")
    os.makedirs(libraries)
    run_node(folder, brokers, "a node with a newer librdkafka logs in by SCRAM", "SCRAM-SHA-256", user, "password", newest_client.library_path(BUILD, libraries))


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        brokers = Brokers(folder)
        try:
            check(brokers.topics("kunming") == set(), "without an ACL nothing is seen")
            for account, prefix in (("kunming", KUNMING), ("dali", DALI)):
                cluster("allow", account, "--read", prefix, "--dir", brokers.folder)
            cluster("allow", "node", "--all", "huiliu.", "--dir", brokers.folder)
            # It lives on its prefix: topics, groups, transactional ids.
            run_node(folder, brokers, "the node runs with an account of its prefix alone")
            for topic in (KUNMING + "employment", DALI + "employment"):
                made = brokers.kcat("node", "-P", "-t", topic, given="x")
                check("Unknown topic" in made.stderr or made.returncode != 0, f"{topic} is not made by writing to it", made.stderr)
                cluster("topic", topic, "--dir", brokers.folder)
                made = brokers.kcat("node", "-P", "-t", topic, given=f"a record of {topic}")
                check(made.returncode == 0, f"the node writes {topic}", made.stderr)
            for account, own, other in (("kunming", KUNMING, DALI), ("dali", DALI, KUNMING)):
                mine = brokers.read(account, own + "employment")
                check(mine.returncode == 0 and own in mine.stdout, f"{account} reads its receiver's topic", mine.stderr)
                theirs = brokers.read(account, other + "employment")
                check(theirs.stdout == "" and "authorization failed" in theirs.stderr, f"{account} reads no other receiver's topic", theirs.stdout + theirs.stderr)
                check(brokers.topics(account) == {own + "employment"}, f"{account} sees no other topic's name", brokers.topics(account))
                written = brokers.kcat(account, "-P", "-t", own + "employment", given="forged")
                check("authorization failed" in written.stderr, f"{account} writes nothing, not even its own", written.stderr)
            with_scram(folder, brokers)
        finally:
            subprocess.run([CLUSTER, "down", "--dir", brokers.folder], check=True)


main()

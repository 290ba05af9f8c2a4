#!/usr/bin/env python3
"""deploy/kafka/cluster: 1 and 3 real brokers come up, take and give messages, survive kill, pause and start, and go down leaving no
process. kafka_cluster_test.py BUILD."""
import os
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CLUSTER = os.path.join(ROOT, "deploy/kafka/cluster")
os.environ["HUILIU_BUILD"] = os.path.abspath(sys.argv[1])


def check(condition, what, detail=""):
    if not condition:
        sys.exit(f"FAILED: {what}\n{detail}")
    print("ok:", what, flush=True)


def run(*command, stdin=None):
    return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=180)


def processes_of(folder):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                command = file.read().split(b"\0")
        except OSError:
            continue
        if any(folder.encode() in word for word in command) and int(pid) != os.getpid():
            found.append((pid, command[0]))
    return found


class Kafka:
    def __init__(self, folder):
        self.folder = folder

    def __call__(self, command, *options):
        return run(CLUSTER, command, *options, "--dir", self.folder)

    def must(self, command, *options):
        done = self(command, *options)
        check(done.returncode == 0, " ".join((command, *options)), done.stdout + done.stderr)
        return done.stdout

    def bootstrap(self):
        with open(os.path.join(self.folder, "bootstrap"), encoding="utf-8") as file:
            return file.read().strip()

    def tool(self, main, *options):
        jars = os.path.join(os.environ["HUILIU_BUILD"], "kafka")
        newest = max((os.path.join(jars, n) for n in os.listdir(jars) if os.path.isdir(os.path.join(jars, n))), key=os.path.getmtime)
        return run("java", "-cp", os.path.join(newest, "*"), main, "--bootstrap-server", self.bootstrap(), *options)

    def topic(self, name, copies):
        made = self.tool("org.apache.kafka.tools.TopicCommand", "--create", "--topic", name, "--partitions", "3", "--replication-factor", str(copies))
        check(made.returncode == 0, f"topic {name} with {copies} copies", made.stdout + made.stderr)

    def write(self, name, words):
        # All in-sync copies, again and again until it is acknowledged: a broker may just have died.
        done = run("kcat", "-b", self.bootstrap(), "-P", "-t", name, "-X", "acks=all", "-X", "message.timeout.ms=60000", stdin="\n".join(words) + "\n")
        check(done.returncode == 0, f"{len(words)} messages written", done.stderr)

    def read(self, name, *options):
        return sorted(run("kcat", "-b", self.bootstrap(), "-C", "-q", "-e", "-t", name, "-o", "beginning", *options).stdout.split())


def one_broker(folder):
    kafka = Kafka(folder)
    check("no cluster in" in kafka("status").stderr, "status without a cluster says so")
    kafka.must("up")
    kafka.must("status")
    kafka.topic("words", 1)
    kafka.write("words", ["a", "b", "c"])
    check(kafka.read("words") == ["a", "b", "c"], "they are read")
    check("of 1 brokers, not 3" in kafka("up", "--brokers", "3").stderr, "up refuses another number of brokers")
    check("there is no broker 2" in kafka("kill", "2").stderr, "an unknown broker is named")
    kafka.must("down")
    check(not processes_of(folder), "no process is left", processes_of(folder))
    kafka.must("up")
    check(kafka.read("words") == ["a", "b", "c"], "data and ports are as before")
    kafka.must("down", "--purge")
    check(not processes_of(folder) and not os.path.exists(folder), "no process and no file is left")


def three_brokers(folder):
    kafka = Kafka(folder)
    kafka.must("up", "--brokers", "3")
    kafka.topic("words", 3)
    words = [f"w{i}" for i in range(100)]
    kafka.write("words", words)
    kafka.must("kill", "1")
    status = kafka("status")
    check(status.returncode == 1 and "stopped" in status.stdout, "status tells of the killed broker", status.stdout)
    more = [f"x{i}" for i in range(100)]
    kafka.write("words", more)
    kafka.must("start", "1")
    kafka.must("pause", "2")
    status = kafka("status")
    check(status.returncode == 1 and "paused" in status.stdout, "status tells of the paused broker", status.stdout)
    kafka.write("words", ["last"])
    kafka.must("start", "2")
    kafka.must("status")
    check(set(kafka.read("words")) == {*words, *more, "last"}, "every message survived a killed and a paused broker")
    kafka.must("pause", "3")
    kafka.must("down", "--purge")
    check(not processes_of(folder), "no process is left, of a paused one neither", processes_of(folder))


def with_security(folder):
    """In the same go: when the watched process is gone, the cluster goes too."""
    kafka = Kafka(folder)
    watched = subprocess.Popen(["sleep", "600"])
    try:
        kafka.must("up", "--secure", "--while", str(watched.pid))
        secret = {name: open(os.path.join(folder, "secure", name), encoding="utf-8").read().strip() for name in ("bootstrap", "user", "password")}

        def listing(password):
            return run("timeout", "20", "kcat", "-b", secret["bootstrap"], "-L", "-X", "security.protocol=SASL_SSL", "-X", "sasl.mechanism=PLAIN",
                       "-X", "sasl.username=" + secret["user"], "-X", "sasl.password=" + password, "-X", "ssl.ca.location=" + os.path.join(folder, "secure/ca.pem"))

        good = listing(secret["password"])
        check(good.returncode == 0 and "1 brokers" in good.stdout, "TLS with the account's password", good.stderr)
        check("SASL authentication error" in listing("wrong").stderr, "another password is refused")
    finally:
        watched.kill()
        watched.wait()
    deadline = time.time() + 60
    while processes_of(folder) and time.time() < deadline:
        time.sleep(0.2)
    check(not processes_of(folder), "the cluster goes with the process it was watching", processes_of(folder))


def main():
    with tempfile.TemporaryDirectory(prefix="huiliu-kafka-") as folder:
        folders = [os.path.join(folder, name) for name in ("one", "three", "secure")]
        try:
            one_broker(folders[0])
            three_brokers(folders[1])
            with_security(folders[2])
        finally:
            for name in folders:
                run(CLUSTER, "down", "--dir", name)


main()

"""The brokers of one cluster: their ports, settings, processes. deploy/kafka/cluster is its command line."""
import base64
import json
import os
import random
import signal
import socket
import subprocess
import time
import uuid

import jars
import secure
from trouble import Trouble
from wire import alive_brokers

READY_SECONDS = 120
STOP_SECONDS = 15


def free_ports(count):
    """Below the kernel's range for outgoing connections, so that a stopped broker finds its port free again."""
    held, ports = [], []
    while len(ports) < count:
        port = random.SystemRandom().randrange(18000, 32000)
        s = socket.socket()
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            s.close()
            continue
        held.append(s)
        ports.append(port)
    for s in held:
        s.close()
    return ports


class BrokerSet:
    def __init__(self, folder, state):
        self.folder = folder
        self.cluster_id = state["cluster_id"]
        self.brokers = state["brokers"]
        self.account = state["account"]
        self.run = state.get("run")  # of the last `up`; None: it is down

    @staticmethod
    def exists(folder):
        return os.path.exists(os.path.join(folder, "cluster.json"))

    @classmethod
    def load(cls, folder):
        try:
            with open(os.path.join(folder, "cluster.json"), encoding="utf-8") as file:
                return cls(folder, json.load(file))
        except FileNotFoundError:
            raise Trouble(f"no cluster in {folder}: cluster up --dir {folder}") from None

    @classmethod
    def create(cls, folder, count, with_security, accounts=()):
        if os.path.isdir(folder) and os.listdir(folder):
            raise Trouble(f"{folder} is not empty and holds no cluster: give another --dir")
        os.makedirs(folder, exist_ok=True)
        ports = free_ports(3 * count)
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        brokers = [{"id": i + 1, "port": ports[3 * i], "controller_port": ports[3 * i + 1], "secure_port": ports[3 * i + 2] if with_security else None,
                    "pid": None} for i in range(count)]
        password = lambda: base64.urlsafe_b64encode(os.urandom(18)).decode()  # noqa: E731
        account = {"user": "huiliu", "password": password(), "others": {name: password() for name in accounts}} if with_security else None
        brokers_set = cls(folder, {"cluster_id": cluster_id.replace("-", "x"), "brokers": brokers, "account": account, "run": None})
        brokers_set.save()
        return brokers_set

    def save(self):
        path = os.path.join(self.folder, "cluster.json")
        with open(path + ".new", "w", encoding="utf-8", opener=lambda p, flags: os.open(p, flags, 0o600)) as file:
            json.dump({"cluster_id": self.cluster_id, "brokers": self.brokers, "account": self.account, "run": self.run}, file, indent=1)
        os.replace(path + ".new", path)

    def bootstrap(self):
        return ",".join(f"127.0.0.1:{b['port']}" for b in self.brokers)

    def of(self, broker, *names):
        return os.path.join(self.folder, f"broker-{broker['id']}", *names)

    def find(self, number):
        for broker in self.brokers:
            if broker["id"] == number:
                return broker
        raise Trouble(f"there is no broker {number}: 1 to {len(self.brokers)}")

    # Processes. A pid counts only while it still runs this broker's settings: pids are used again.
    def state(self, broker):
        try:
            with open(f"/proc/{broker['pid']}/stat", encoding="utf-8") as file:
                letter = file.read().rsplit(")", 1)[1].split()[0]
            with open(f"/proc/{broker['pid']}/cmdline", "rb") as file:
                command = file.read()
        except OSError:
            return "stopped"
        # Empty while the process begins.
        if letter in "ZX" or (command and self.of(broker, "server.properties").encode() not in command):
            return "stopped"
        return "paused" if letter == "T" else "running"

    def signal(self, broker, number):
        try:
            os.kill(broker["pid"], number)
        except ProcessLookupError:
            pass

    def launch(self, broker):
        log4j = os.path.join(os.path.dirname(os.path.abspath(__file__)), "log4j2.properties")
        command = ["java", "-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-Djava.awt.headless=true", f"-Dhuiliu.log={self.of(broker, 'server.log')}",
                   f"-Dlog4j2.configurationFile={log4j}", "-cp", jars.class_path(), "kafka.Kafka", self.of(broker, "server.properties")]
        with open(self.of(broker, "console.log"), "ab") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd=self.folder)
        broker["pid"] = process.pid
        self.save()

    def tool(self, name, *arguments):
        """One of Kafka's own tools, as the cluster's administrator."""
        command = ["java", "-Xmx128m", "-XX:TieredStopAtLevel=1", "-cp", jars.class_path(), f"org.apache.kafka.tools.{name}", "--bootstrap-server", self.bootstrap()]
        done = subprocess.run([*command, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            raise Trouble(f"{name} {' '.join(arguments)}: {(done.stdout + done.stderr).strip()[-500:]}")

    def allow(self, account, read, everything):
        """Prefixes of topics that an account may read, or of all that a node may name."""
        if not self.account or account not in self.account.get("others", {}):
            raise Trouble(f"there is no account {account}: cluster up --secure --account {account}")
        add = ("--add", "--force", "--allow-principal", f"User:{account}", "--resource-pattern-type", "prefixed")
        for prefix in read:
            self.tool("AclCommand", *add, "--operation", "Read", "--operation", "Describe", "--topic", prefix)
            self.tool("AclCommand", *add, "--operation", "Read", "--group", account)
        for prefix in everything:
            self.tool("AclCommand", *add, "--operation", "All", "--topic", prefix, "--group", prefix, "--transactional-id", prefix)

    def answers(self, broker):
        return alive_brokers(broker["port"]) is not None

    def up(self):
        jars.fetch()
        if self.account:
            secure.make(self.folder, self.account, [b["secure_port"] for b in self.brokers])
        self.run = str(uuid.uuid4())
        self.save()
        formatting = []
        for broker in self.brokers:
            os.makedirs(self.of(broker), exist_ok=True)
            with open(self.of(broker, "server.properties"), "w", encoding="utf-8") as file:
                file.write(self.properties(broker))
            if not os.path.exists(self.of(broker, "data", "meta.properties")):
                formatting.append(self.format(broker))
        for process, broker in formatting:
            output = process.communicate()[0]
            if process.returncode != 0:
                raise Trouble(f"broker {broker['id']}: its storage cannot be made: {output.strip()[-600:]}")
        for broker in self.brokers:
            if self.state(broker) == "paused":
                self.signal(broker, signal.SIGCONT)
            elif self.state(broker) == "stopped":
                self.launch(broker)
        self.wait(self.brokers)
        with open(os.path.join(self.folder, "bootstrap"), "w", encoding="utf-8") as file:
            file.write(self.bootstrap() + "\n")

    def wait(self, started):
        """Until each of them answers and knows itself and every other running broker as alive."""
        deadline = time.monotonic() + READY_SECONDS
        for broker in started:
            while True:
                wanted = {b["id"] for b in self.brokers if self.state(b) == "running"}
                if wanted <= (alive_brokers(broker["port"]) or set()) and broker["id"] in wanted:
                    break
                if self.state(broker) == "stopped":
                    raise Trouble(f"broker {broker['id']} stopped while starting: {self.last_words(broker)}")
                if time.monotonic() > deadline:
                    raise Trouble(f"broker {broker['id']} does not answer on 127.0.0.1:{broker['port']} after {READY_SECONDS} s: {self.last_words(broker)}")
                time.sleep(0.1)

    def last_words(self, broker):
        words = []
        for name in ("console.log", "server.log"):
            if os.path.exists(self.of(broker, name)):
                with open(self.of(broker, name), encoding="utf-8", errors="replace") as file:
                    words += [line.strip() for line in file if "ERROR" in line or "Exception" in line or "FATAL" in line][-3:]
        return f"{' | '.join(words)[-600:] or 'no error logged'} (logs: {self.of(broker)})"

    def kill(self, number):
        broker = self.find(number)
        if self.state(broker) == "stopped":
            raise Trouble(f"broker {number} is not running")
        self.signal(broker, signal.SIGKILL)
        while self.state(broker) != "stopped":
            time.sleep(0.01)

    def pause(self, number):
        broker = self.find(number)
        if self.state(broker) != "running":
            raise Trouble(f"broker {number} is not running: {self.state(broker)}")
        self.signal(broker, signal.SIGSTOP)

    def start(self, number):
        broker = self.find(number)
        state = self.state(broker)
        if state == "running":
            raise Trouble(f"broker {number} is running")
        if state == "paused":
            self.signal(broker, signal.SIGCONT)
        else:
            jars.fetch()
            self.launch(broker)
        self.wait([broker])

    def down(self):
        alive = [b for b in self.brokers if self.state(b) != "stopped"]
        for broker in alive:
            self.signal(broker, signal.SIGTERM)
            self.signal(broker, signal.SIGCONT)
        deadline = time.monotonic() + STOP_SECONDS
        for broker in alive:
            while self.state(broker) != "stopped":
                if time.monotonic() > deadline:
                    self.signal(broker, signal.SIGKILL)  # no quorum left to say goodbye to; the data survives it
                time.sleep(0.05)
        for broker in self.brokers:
            broker["pid"] = None
        self.run = None
        self.save()

    def format(self, broker):
        command = ["java", "-Xmx128m", "-XX:TieredStopAtLevel=1", "-cp", jars.class_path(), "kafka.tools.StorageTool", "format", "--cluster-id",
                   self.cluster_id, "--config", self.of(broker, "server.properties"), "--ignore-formatted"]
        if self.account:
            command += ["--add-scram", f"SCRAM-SHA-256=[name={self.account['user']},password={self.account['password']}]"]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True), broker

    def properties(self, broker):
        copies = min(3, len(self.brokers))
        listeners = f"PLAINTEXT://127.0.0.1:{broker['port']}"
        if broker["secure_port"]:
            listeners += f",SECURE://127.0.0.1:{broker['secure_port']}"
        lines = {
            "process.roles": "broker,controller",
            "node.id": broker["id"],
            "controller.quorum.voters": ",".join(f"{b['id']}@127.0.0.1:{b['controller_port']}" for b in self.brokers),
            "controller.listener.names": "CONTROLLER",
            "listeners": f"{listeners},CONTROLLER://127.0.0.1:{broker['controller_port']}",
            "advertised.listeners": listeners,
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SECURE:SASL_SSL",
            "log.dirs": self.of(broker, "data"),
            "auto.create.topics.enable": "false",
            "default.replication.factor": copies,
            "min.insync.replicas": copies - 1 or 1,
            "offsets.topic.replication.factor": copies,
            "offsets.topic.num.partitions": 8,
            "transaction.state.log.replication.factor": copies,
            "transaction.state.log.min.isr": copies - 1 or 1,
            "transaction.state.log.num.partitions": 8,
            # Development: a lost member, broker or open transaction is noticed in seconds.
            "group.initial.rebalance.delay.ms": 0,
            "group.min.session.timeout.ms": 1000,
            "broker.session.timeout.ms": 6000,
            "broker.heartbeat.interval.ms": 1000,
            "transaction.abort.timed.out.transaction.cleanup.interval.ms": 1000,
            "log.cleaner.backoff.ms": 1000,
            "log.retention.check.interval.ms": 1000,
        }
        if self.account:
            lines |= secure.settings(self.folder, self.account)
        return "".join(f"{key}={value}\n" for key, value in lines.items())

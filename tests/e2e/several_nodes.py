"""Several nodes on one Kafka, for the tests: each a huiliud with ports, a folder and a log of its own; calls go to the first that answers."""
import os
import signal
import subprocess
import sys
import time
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "deploy/demo"))
from cluster import free_port  # noqa: E402
from node import Node, Refused  # noqa: E402

WAIT = 240


def check(condition, what, detail=""):
    if not condition:
        sys.exit(f"FAILED: {what}\n{detail}")
    print("ok:", what, flush=True)


class Brokers:
    def __init__(self, build, folder, count):
        self.folder, self.count = os.path.join(folder, "kafka"), count
        self.environment = dict(os.environ, HUILIU_BUILD=os.path.abspath(build))

    def run(self, verb, *options):
        command = [sys.executable, os.path.join(ROOT, "deploy/kafka/cluster"), verb, "--dir", self.folder, *options]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"FAILED: cluster {verb} {' '.join(options)}: {done.stderr[-2000:]}")
        return done.stdout

    def start(self):
        self.run("up", "--brokers", str(self.count), "--while", str(os.getpid()))
        with open(os.path.join(self.folder, "bootstrap"), encoding="utf-8") as file:
            self.bootstrap = file.read().strip()

    def lines(self):
        copies = min(3, self.count)
        return (f'backbone: kafka\nkafka: {{bootstrap: "{self.bootstrap}", replication: {copies}, min_insync: {max(1, copies - 1)}}}\n')

    def stop(self):
        subprocess.run([sys.executable, os.path.join(ROOT, "deploy/kafka/cluster"), "down", "--purge", "--dir", self.folder], env=self.environment,
                       stdout=subprocess.DEVNULL)


class Nodes(Node):
    """N nodes of one cluster. `calls` go to node `at`; where it does not answer, to the others."""

    RECEIVERS = [("530100", "昆明市", ["530100"])]
    STANDBYS = 1

    def __init__(self, build, state, pki, count, lanes=8):
        super().__init__(build, state, pki)
        self.ports = [(free_port(), free_port()) for _ in range(count)]
        self.lanes, self.at = lanes, 0
        self.huiliud = [None] * count
        self.grpc, self.http = self.ports[0]

    def address(self):
        """What an agent is told: all nodes, the first that answers."""
        return ",".join(f"127.0.0.1:{grpc}" for grpc, _ in self.ports)

    def start(self):
        super().write_config()
        with open(os.path.join(self.state, "bootstrap.yaml"), encoding="utf-8") as file:
            lines = file.read().split("\n")
        first = lines.index("organisations:")
        receivers = [f'  - {{id: "{r}", title: {t}, divisions: [{", ".join(chr(34) + d + chr(34) for d in ds)}]}}' for r, t, ds in self.RECEIVERS]
        with open(os.path.join(self.state, "bootstrap.yaml"), "w", encoding="utf-8") as file:
            file.write("\n".join(["receivers:", *receivers, *lines[first:]]))
        with open(os.path.join(self.state, "cluster.key"), "wb") as file:
            file.write(os.urandom(32))
        with open(os.path.join(self.state, "node.yaml"), encoding="utf-8") as file:
            common = [line for line in file.read().split("\n") if not line.startswith(("node:", "data_dir:", "listen:"))]
        for i, (grpc, http) in enumerate(self.ports):
            with open(self.config(i), "w", encoding="utf-8") as file:
                file.write("\n".join([f"node: n{i}", f"data_dir: n{i}", f'listen: {{grpc: "127.0.0.1:{grpc}", http: "127.0.0.1:{http}"}}', *common,
                                      f"cluster: {{name: yunnan, key_file: cluster.key, lanes: {self.lanes}, standbys: {self.STANDBYS}}}", ""]))
        self.write_profiles()
        for i in range(len(self.ports)):
            self.run_huiliud(i)
        for i in range(len(self.ports)):
            self.await_ready(i)

    def config(self, i):
        return os.path.join(self.state, f"n{i}.yaml")

    def log_of(self, i):
        return os.path.join(self.state, f"n{i}.log")

    def run_huiliud(self, i):
        self.huiliud[i] = self.spawn([os.path.join(self.build, "bin/huiliud"), "--config", self.config(i)], self.log_of(i))

    def await_ready(self, i):
        self.await_that(lambda: self.status(i)["nodes"], f"node n{i} answers")

    def kill(self, i):
        self.huiliud[i].kill()
        self.huiliud[i].wait()

    def signal(self, i, number):
        self.huiliud[i].send_signal(number)

    def stop(self):
        for process in self.huiliud:
            if process is not None and process.poll() is None:
                process.send_signal(signal.SIGCONT)
        super().stop()

    def on(self, i):
        self.grpc, self.http = self.ports[i]
        return self

    def status(self, i=None):
        if i is not None:
            self.on(i)
        return self.call("system-admin", "Cluster/GetStatus")

    def ask(self, account, method, **request):
        """A call that waits for who is coming back, asking each node in turn."""
        deadline = time.time() + WAIT
        while True:
            try:
                return self.call(account, method, **request)
            except (OSError, Refused) as error:
                if isinstance(error, Refused) and error.code != "unavailable":
                    raise
                if time.time() > deadline:
                    raise
                self.at = (self.at + 1) % len(self.ports)
                self.on(self.at)
                time.sleep(0.2)

    def ask_at(self, i, account, method, **request):
        """A call that n`i` answers, or hands on to another, and nobody else."""
        return Node.ask(self.on(i), account, method, **request)

    def metrics(self):
        url = f"https://127.0.0.1:{self.http}/metrics"
        with urllib.request.urlopen(url, context=self.tls, timeout=30) as answer:
            return answer.read().decode()

    def await_that(self, condition, what, seconds=WAIT):
        """Seconds until the condition holds."""
        started, last = time.time(), None
        while time.time() - started < seconds:
            try:
                if condition():
                    return time.time() - started
            except (OSError, Refused, KeyError, SystemExit) as error:
                last = error
            time.sleep(0.05)
        sys.exit(f"FAILED: {what} (waited {seconds} s; last: {last})\n{self.logs()}")

    def logs(self):
        out = []
        for i in range(len(self.ports)):
            if os.path.exists(self.log_of(i)):
                with open(self.log_of(i), encoding="utf-8", errors="replace") as file:
                    out.append(f"--- n{i}\n" + file.read()[-2500:])
        return "\n".join(out)

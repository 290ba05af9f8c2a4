"""A Kafka of the demo's own: one broker on loopback, started and stopped with the demo."""
import os
import subprocess
import sys

from node import ROOT


class Kafka:
    def __init__(self, build, folder):
        self.folder = folder
        self.environment = dict(os.environ, HUILIU_BUILD=os.path.abspath(build))

    def run(self, verb, *options):
        command = [sys.executable, os.path.join(ROOT, "deploy/kafka/cluster"), verb, "--dir", self.folder, *options]
        return subprocess.run(command, env=self.environment, stdout=subprocess.DEVNULL).returncode

    def start(self):
        if self.run("up", "--while", str(os.getpid())) != 0:
            raise SystemExit("Kafka did not start: see above")

    def node_lines(self):
        with open(os.path.join(self.folder, "bootstrap"), encoding="utf-8") as file:
            return f"backbone: kafka\nkafka: {{bootstrap: \"{file.read().strip()}\", replication: 1, min_insync: 1}}\n"

    def stop(self):
        self.run("down")

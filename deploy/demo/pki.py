"""The demo's own certificate authority: one certificate for the node, one per organisation."""
import os
import subprocess

CA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../ca")


class Pki:
    def __init__(self, folder):
        self.folder = folder

    def run(self, *arguments):
        done = subprocess.run([CA, *arguments, "--days", "30"], capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(done.stderr.strip())

    def ca(self):
        self.run("init", self.folder, "--name", "Huiliu demo CA")
        return os.path.join(self.folder, "ca.pem")

    def node(self, name):
        """(certificate, key) of a node on this machine."""
        self.ca()
        self.run("node", self.folder, name, "localhost", "127.0.0.1")
        return self.files(name)

    def organisation(self, name):
        """(certificate, key) of an organisation's agents."""
        self.ca()
        self.run("organisation", self.folder, name)
        return self.files(name)

    def files(self, name):
        return os.path.join(self.folder, name + ".pem"), os.path.join(self.folder, name + ".key")

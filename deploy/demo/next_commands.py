"""What to try next: each command as it is, and as a script in the demo's state for windows that have no room for it."""
import os

from demo_purpose import PURPOSE


class NextCommands:
    """(what, command) in order; `what` is a word of screen.TEXT."""

    def __init__(self, demo):
        self.demo, self.folder, self.commands = demo, os.path.join(demo.state, "next"), []
        os.makedirs(self.folder, exist_ok=True)
        huiliu = os.path.abspath(os.path.join(demo.node.build, "bin/huiliu"))
        self.auditor = f"{huiliu} --config {demo.node.profile('audit-admin')} audit"

    def add(self, what, command):
        path = os.path.join(self.folder, what + ".sh")
        with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o700), "w", encoding="utf-8") as file:  # a token may stand in it
            file.write(f"#!/bin/sh\n{command}\n")
        self.commands.append((what, command))

    def psql(self, what, arguments):
        self.add(what, f"psql '{self.demo.cluster.dsn('hrss_bureau')}' {arguments}")

    def lookup(self, person):
        node, values = self.demo.node, ",".join(f'"{value}"' for value in person)
        self.add("curl", f"curl --cacert {self.demo.state}/pki/ca.pem -H 'Content-Type: application/json' -H 'Authorization: Bearer {node.tokens['hrss-clerk']}' "
                         f"https://localhost:{node.http}/huiliu.v1.Catalog/Get -d '{{\"context\":{{\"receiver\":\"530100\",\"dataset\":\"insurance_participation\","
                         f"\"purpose\":\"{PURPOSE}\"}},\"key\":{{\"values\":[{values}]}}}}'")

    def audit(self, dataset, key):
        self.add("audit", f"{self.auditor} record {dataset} {' '.join(key)}")
        keys, export = os.path.join(self.folder, "source.keys"), os.path.join(self.folder, "log.export")
        with open(keys, "w", encoding="utf-8") as file:
            file.writelines(f"{source}={key}\n" for source, key in sorted(self.demo.node.source_keys.items()))
        self.add("verify", f"{self.auditor} export {export} && {self.auditor} verify {export} --source-keys {keys}")

    def lines(self, text):
        """Every command in full."""
        return [text["next"]] + [line for what, command in self.commands for line in ("  # " + text[what], "  " + command)]

    def short_lines(self, text):
        """The scripts that hold them."""
        return [text["next"] + f" sh {self.folder}/ …", "  " + " · ".join(what + ".sh" for what, _ in self.commands)]

"""The demo's own certificate authority: one certificate for the node, one per organisation."""
import os
import subprocess


class Pki:
    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder, mode=0o700, exist_ok=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def openssl(self, *arguments):
        done = subprocess.run(["openssl", *arguments], capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"openssl {arguments[0]}: {done.stderr.strip()[-400:]}")

    def ca(self):
        if not os.path.exists(self.path("ca.pem")):
            self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
                         "-subj", "/CN=Huiliu demo CA", "-keyout", self.path("ca.key"), "-out", self.path("ca.pem"))
        return self.path("ca.pem")

    def issue(self, name, subject, node=False):
        """Returns (certificate, key)."""
        certificate, key = self.path(name + ".pem"), self.path(name + ".key")
        if not os.path.exists(certificate):
            extensions = self.path(name + ".ext")
            with open(extensions, "w", encoding="utf-8") as file:
                file.write("subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n" if node else "extendedKeyUsage=clientAuth\n")
            self.openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                         "-subj", subject, "-keyout", key, "-out", self.path(name + ".csr"))
            self.openssl("x509", "-req", "-in", self.path(name + ".csr"), "-CA", self.ca(), "-CAkey", self.path("ca.key"),
                         "-CAcreateserial", "-days", "30", "-extfile", extensions, "-out", certificate)
        return certificate, key

"""PyPI's newest confluent-kafka, installed beside the build at the first run: a client that is not ours, and the librdkafka that it brings."""
import glob
import os
import subprocess
import sys


def python(build):
    """A Python that has it. Ends the test where PyPI does not answer."""
    folder = os.path.join(build, "confluent-kafka")
    program = os.path.join(folder, "bin/python")
    if not os.path.exists(os.path.join(folder, "whole")):
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        done = subprocess.run([program, "-m", "pip", "install", "-q", "confluent-kafka[protobuf,schemaregistry]"], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"FAILED: confluent-kafka cannot be had from PyPI, so nobody else's client was tried:\n{done.stderr[-2000:]}")
        open(os.path.join(folder, "whole"), "w").close()
    return program


def library_path(build, folder):
    """LD_LIBRARY_PATH under which our programs load its librdkafka instead of Debian's."""
    python(build)
    found = glob.glob(os.path.join(build, "confluent-kafka/lib/python3*/site-packages/confluent_kafka.libs/librdkafka-*.so.1"))
    if len(found) != 1:
        sys.exit(f"FAILED: confluent-kafka brings no librdkafka: {found}")
    link = os.path.join(folder, "librdkafka.so.1")
    if not os.path.exists(link):
        os.symlink(found[0], link)
    return f"{folder}:{os.path.dirname(found[0])}"

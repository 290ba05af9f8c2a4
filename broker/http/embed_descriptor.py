"""Writes a file's bytes as the elements of a C array: embed_descriptor.py IN OUT."""
import sys

with open(sys.argv[1], "rb") as source:
    data = source.read()
with open(sys.argv[2], "w", encoding="ascii") as out:
    for start in range(0, len(data), 24):
        out.write(",".join(str(byte) for byte in data[start:start + 24]) + ",\n")

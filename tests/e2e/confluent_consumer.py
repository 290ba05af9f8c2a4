"""Reads a returned topic as any program of a bureau would: confluent-kafka with its Protobuf deserializer and the node as its Schema Registry.
confluent_consumer.py BOOTSTRAP TOPIC REGISTRY_URL CA USER TOKEN: one JSON line a record {"key": hex, "message": {…}}. The message class is made of what the
registry serves alone."""
import base64
import json
import sys

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, descriptor_pool, duration_pb2, json_format, message_factory, timestamp_pb2

BOOTSTRAP, TOPIC, URL, CA, USER, TOKEN = sys.argv[1:]


def add_file(pool, client, name, serialized, references):
    """The file after those that it imports, each from its own subject."""
    for reference in references:
        found = client.get_version(reference.subject, reference.version, fmt="serialized")
        add_file(pool, client, reference.name, found.schema.schema_str, found.schema.references or [])
    file = descriptor_pb2.FileDescriptorProto.FromString(base64.b64decode(serialized))
    file.name = name
    pool.Add(file)
    return file


def main():
    client = SchemaRegistryClient({"url": URL, "ssl.ca.location": CA, "basic.auth.user.info": f"{USER}:{TOKEN}"})
    latest = client.get_latest_version(TOPIC + "-value", fmt="serialized")
    pool = descriptor_pool.DescriptorPool()
    for known in (descriptor_pb2, timestamp_pb2, duration_pb2):
        pool.AddSerializedFile(known.DESCRIPTOR.serialized_pb)
    file = add_file(pool, client, "written.proto", latest.schema.schema_str, latest.schema.references or [])
    message_class = message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{file.package}.{file.message_type[0].name}"))
    deserialize = ProtobufDeserializer(message_class, {"use.deprecated.format": False}, client)
    consumer = Consumer({"bootstrap.servers": BOOTSTRAP, "group.id": "bureau", "isolation.level": "read_committed", "enable.partition.eof": True,
                         "auto.offset.reset": "earliest"})
    partitions = consumer.list_topics(TOPIC, timeout=30).topics[TOPIC].partitions
    consumer.assign([TopicPartition(TOPIC, p, 0) for p in partitions])
    open_ends = set(partitions)
    while open_ends:
        message = consumer.poll(30)
        if message is None:
            sys.exit("nothing came within 30 s")
        if message.error():
            open_ends.discard(message.partition())
            continue
        value = message.value()
        shown = None
        if value is not None:
            shown = json_format.MessageToDict(deserialize(value, SerializationContext(TOPIC, MessageField.VALUE)), preserving_proto_field_name=True)
        print(json.dumps({"key": message.key().hex(), "message": shown}, ensure_ascii=False))
    consumer.close()


main()

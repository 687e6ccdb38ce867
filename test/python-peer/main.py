"""The Python package ktables as a process that takes commands as lines of JSON, by id, and answers each with one line.

The commands and their types are in test/harness/python-peer.ts. Tables and writers stay open under the names they are
given.
"""

import asyncio
import base64
import importlib.metadata
import json
import sys
import threading

from aiokafka import AIOKafkaConsumer
from ktables import (
    GroupedKafkaTable,
    GroupedKafkaTableWriter,
    KafkaTable,
    KafkaTableWriter,
    LengthPrefixedKeyCodec,
)

tables = {}
writers = {}


def encode_json(value):
    # As JSON.stringify writes it, so that bytes can be compared.
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def on_topic(arguments):
    # aiokafka's admin client now and then fails ("NoneType has no attribute nodeId") when it finds no controller at once;
    # the tests' topics are there already.
    return {"connection": arguments["bootstrapServers"], "topic": arguments["topic"], "ensure_topic": False}


async def open_table(arguments):
    kind = GroupedKafkaTable if arguments["grouped"] else KafkaTable
    table = kind(value_decoder=json.loads, **on_topic(arguments))
    await table.start()
    tables[arguments["name"]] = table
    return {}


async def read_table(arguments):
    table = tables[arguments["name"]]
    is_fresh = await table.barrier(arguments["timeoutMs"] / 1000)
    contents = table.snapshot()
    if isinstance(table, GroupedKafkaTable):
        entries = [[group, member, value] for group, members in contents.items() for member, value in members.items()]
        foreign = table.foreign_key_count
    else:
        entries = [[key, value] for key, value in contents.items()]
        foreign = 0
    return {
        "isFresh": is_fresh,
        "status": table.status,
        "entries": entries,
        "foreignKeyCount": foreign,
        "recordsApplied": table.stats.records_applied,
        "tombstonesApplied": table.stats.tombstones_applied,
    }


async def close_table(arguments):
    await tables.pop(arguments["name"]).stop()
    return {}


async def open_writer(arguments):
    kind = GroupedKafkaTableWriter if arguments["grouped"] else KafkaTableWriter
    writer = kind(value_encoder=encode_json, enable_idempotence=True, **on_topic(arguments))
    await writer.start()
    writers[arguments["name"]] = writer
    return {}


async def write(arguments):
    writer = writers[arguments["name"]]
    for operation in arguments["operations"]:
        if "value" in operation:
            await writer.set(*operation["key"], operation["value"])
        else:
            await writer.delete(*operation["key"])
    return {}


async def close_writer(arguments):
    await writers.pop(arguments["name"]).stop()
    return {}


async def records(arguments):
    """Everything in the topic, as bytes."""
    consumer = AIOKafkaConsumer(
        arguments["topic"],
        bootstrap_servers=arguments["bootstrapServers"],
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    )
    await consumer.start()
    try:
        partitions = consumer.assignment()
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        found = []
        for partition in sorted(partitions, key=lambda one: one.partition):
            while await consumer.position(partition) < ends[partition]:
                for batch in (await consumer.getmany(partition, timeout_ms=500)).values():
                    found += [
                        {"partition": one.partition, "offset": one.offset, "key": to_base64(one.key), "value": to_base64(one.value)}
                        for one in batch
                    ]
        return {"records": found}
    finally:
        await consumer.stop()


def to_base64(data):
    return None if data is None else base64.b64encode(data).decode()


async def encode_keys(arguments):
    codec = LengthPrefixedKeyCodec(arguments["separator"])
    return {"keys": [codec.encode(group, member) for group, member in arguments["pairs"]]}


async def decode_keys(arguments):
    codec = LengthPrefixedKeyCodec(arguments["separator"])
    return {"pairs": [codec.decode(key) for key in arguments["keys"]]}


async def versions(arguments):
    return {name: importlib.metadata.version(name) for name in arguments["packages"]}


commands = {
    "openTable": open_table,
    "readTable": read_table,
    "closeTable": close_table,
    "openWriter": open_writer,
    "write": write,
    "closeWriter": close_writer,
    "records": records,
    "encodeKeys": encode_keys,
    "decodeKeys": decode_keys,
    "versions": versions,
}


async def run(line):
    request = json.loads(line)
    try:
        answer = {"result": await commands[request["command"]](request["arguments"])}
    except Exception as error:
        answer = {"error": {"message": f"{type(error).__name__}: {error}"}}
    # ASCII only, so that lone surrogates pass.
    print(json.dumps({"id": request["id"], **answer}), flush=True)


async def main():
    loop = asyncio.get_running_loop()
    lines = asyncio.Queue()

    def read():
        for line in sys.stdin.buffer:
            loop.call_soon_threadsafe(lines.put_nowait, line)
        loop.call_soon_threadsafe(lines.put_nowait, None)

    threading.Thread(target=read, daemon=True).start()
    running = set()
    while (line := await lines.get()) is not None:
        task = asyncio.create_task(run(line))
        running.add(task)
        task.add_done_callback(running.discard)


asyncio.run(main())

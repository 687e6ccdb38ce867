"""Measures the Python package ktables, in a process of its own: as main.ts does for clients in JavaScript."""

import asyncio
import gc
import hashlib
import json
import resource
import sys
import time

from ktables import KafkaConnectionConfig, KafkaTable, KafkaTableWriter

task = json.loads(sys.argv[-1])


def connection():
    # Fetches as large as those of the other clients.
    return KafkaConnectionConfig(
        task["bootstrapServers"],
        consumer_opts={"max_partition_fetch_bytes": 4_194_304, "fetch_max_bytes": 67_108_864},
    )


async def open_table(**further):
    table = KafkaTable(
        connection=connection(),
        topic=task["topic"],
        value_decoder=json.loads if task["json"] else lambda value: value,
        ensure_topic=False,
        catchup_timeout=600,
        **further,
    )
    await table.start()
    return table


def report(figures, contents=None):
    print(json.dumps({"figures": figures, "contents": contents}), flush=True)


def memory(field):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(field + ":"))


def as_bytes(value):
    if isinstance(value, bytes):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def holds(table):
    digest = hashlib.sha256()
    contents = table.snapshot()
    for key in sorted(contents):
        digest.update(b"%s\n%s\n" % (key.encode(), as_bytes(contents[key])))
    return {"keys": len(contents), "digest": digest.hexdigest()}


async def catch_up():
    before = memory("VmRSS")
    started = time.perf_counter()
    table = await open_table()
    seconds = time.perf_counter() - started
    peak = memory("VmHWM")
    gc.collect()
    rest = memory("VmRSS") - before
    report({"seconds": seconds, "peak": peak, "rest": rest}, holds(table))
    await table.stop()


async def open_writer():
    writer = KafkaTableWriter(
        # Writers that wait for a full batch are all woken for each that is sent: batches of 16 KB make that the most of it.
        connection=KafkaConnectionConfig(task["bootstrapServers"], producer_opts={"max_batch_size": 1_000_000}),
        topic=task["topic"],
        value_encoder=str.encode,
        ensure_topic=False,
        enable_idempotence=True,
    )
    await writer.start()
    return writer


def entries():
    with open(task["entries"]) as lines:
        return list(zip(*[iter(lines.read().split("\n"))] * 2))


async def writes():
    given = entries()
    writer = await open_writer()

    async def every():
        remaining = iter(given)

        async def worker():
            for key, value in remaining:
                await writer.set(key, value)

        await asyncio.gather(*(worker() for _ in range(min(10_000, len(given)))))

    await every()
    await every()
    started = time.perf_counter()
    await every()
    report({"seconds": time.perf_counter() - started})
    await writer.stop()


async def latencies(count, once):
    taken = []
    for index in range(-(count // 10), count):
        started = time.perf_counter()
        await once(max(index, 0))
        if index >= 0:
            taken.append((time.perf_counter() - started) * 1000)
    report(percentiles(taken))


def percentiles(values):
    ordered = sorted(values)
    return {name: ordered[min(len(ordered) - 1, int(len(ordered) * share))] for name, share in (("p50", 0.5), ("p99", 0.99))}


async def sequential_writes():
    given = entries()
    writer = await open_writer()
    await latencies(len(given), lambda index: writer.set(*given[index]))
    await writer.stop()


async def barrier():
    table = await open_table()
    # Each takes half a second where nothing happens.
    await latencies(min(50, task["count"]), lambda _: table.barrier(60))
    await table.stop()


async def propagation():
    taken = []
    done = asyncio.Event()
    counting = False

    def on_set(_, value):
        if counting and not done.is_set():
            taken.append((time.time_ns() / 1000 - int(as_bytes(value)[:16])) / 1000)
            if len(taken) == task["count"]:
                done.set()

    table = await open_table(on_set=on_set)
    await asyncio.sleep(task["warmUpMs"] / 1000)
    counting = True
    for _ in range(task["windows"]):
        taken.clear()
        done.clear()
        await done.wait()
        report(percentiles(taken))
    await table.stop()


async def idle():
    table = await open_table()
    await asyncio.sleep(2)

    def used():
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return usage.ru_utime + usage.ru_stime

    before, started = used(), time.perf_counter()
    await asyncio.sleep(task["count"] / 1000)
    report({"percent": (used() - before) / (time.perf_counter() - started) * 100})
    await table.stop()


benches = {
    "catch-up": catch_up,
    "writes": writes,
    "sequential-writes": sequential_writes,
    "barrier": barrier,
    "propagation": propagation,
    "idle": idle,
}
asyncio.run(benches[task["bench"]]())

# cases_generations.py - Cyclone DDS 0.10 and 11 beside each other, under one command.
#
# SPDX-License-Identifier: Apache-2.0
from cases_data import check_all_came
from world import check_equal

OLD, NEW = "0.10", "11"


def pair_of(world, writer_is, reader_is, topic):
    nodes = {}
    for name, generation in (("writer", writer_is), ("reader", reader_is)):
        nodes[name] = world.node(f"{name} of {generation}", is_newer=generation == NEW)
    writer, reader = nodes["writer"], nodes["reader"]
    reader.open(f"reader {topic} fixed depth=64")
    writer.open(f"writer {topic} fixed depth=64")
    writer.do("matched w 0 1")
    reader.do("matched r 0 1")
    writer.do("write 0 50")
    check_all_came(reader.do("take 0 50"), 50)


def published(world, topic):
    return sum(int(row[4]) for row in world.probe() if row[:2] == ["topic", topic])


def case_generations(world):
    """Each generation has its own way through Eddy; between them samples go over the network."""
    for number, (writer_is, reader_is) in enumerate([(OLD, OLD), (NEW, NEW), (OLD, NEW),
                                                     (NEW, OLD)]):
        topic = f"T{number}"
        pair_of(world, writer_is, reader_is, topic)
        through_eddy = published(world, topic)
        if writer_is == reader_is:
            check_equal(through_eddy, 50, f"{writer_is} to {reader_is}: samples through Eddy")
    world.end()

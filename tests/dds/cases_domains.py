# cases_domains.py - however a program chooses its DDS domain, it meets those of the same domain,
# and nobody else.
#
# SPDX-License-Identifier: Apache-2.0
import os
import tempfile

from cases_data import check_all_came
from world import check, check_equal, LOOPBACK

TOPIC = f"Ways{os.getpid()}"  # domain 0 may have others in it


def named(attribute, inside="", kind="Domain"):
    """The settings of LOOPBACK in a domain with that attribute."""
    return LOOPBACK.replace('<Domain id="any">', f"<{kind} {attribute}>{inside}")


def in_file(world, text):
    file = tempfile.NamedTemporaryFile("w", prefix="eddy-settings-", suffix=".xml", delete=False)
    world.undo.append(lambda: os.unlink(file.name))
    with file:
        file.write(text)
    return file.name


def ways_to(world, number):
    """Settings, what to join, and variables, that lead to the domain of that number."""
    quoted = f"Id='{number}'"
    xml = f'<?xml version="1.0"?>\n<CycloneDDS>{named(quoted)}</CycloneDDS>'
    only = f'<CycloneDDS><Domain id="{number}"><General/></Domain></CycloneDDS>'
    in_settings = {
        "settings": named(f'id="{number}"'),
        "the first of two": named(f'id="{number}"') + ',<Domain id="9"><General/></Domain>',
        "after any": LOOPBACK + f',<Domain id="{number}"><General/></Domain>',
        "an element": named("", f"<Id>{number}</Id>"),
        "file": in_file(world, xml),
        "file, with its kind": "file://" + in_file(world, xml),
        "file, after any": LOOPBACK + "," + in_file(world, only),
        "one element": f"<CycloneDDS>{named(quoted)}</CycloneDDS>",
    }
    ways = {name: (uri, "default", {}) for name, uri in in_settings.items()}
    ways["argument"] = (LOOPBACK, number, {})
    ways["argument, against settings"] = (LOOPBACK + ',<Domain id="9"><General/></Domain>', number,
                                          {})
    ways["variable"] = (named('id="${CYCLONEDDS_DOMAIN_ID}"'), "default",
                        {"CYCLONEDDS_DOMAIN_ID": number})
    ways["variable of ROS"] = (named('id="${ROS_DOMAIN_ID:-any}"'), "default",
                               {"ROS_DOMAIN_ID": number})
    ways["variable's default"] = (named(f'id="${{NOWHERE_SET:-{number}}}"'), "default", {})
    return ways


def join(world, name, way, **others):
    uri, domain, variables = way
    variables = {**variables, **others}
    prefix = ["env", *(f"{key}={value}" for key, value in variables.items())]
    return world.node(name, dds_domain=domain, uri=uri, prefix=prefix)


def meet(world, writer, readers):
    """All of them match, and samples come through Eddy, once."""
    for reader in readers:
        reader.open(f"reader {TOPIC} fixed depth=100")
    writer.open(f"writer {TOPIC} fixed depth=100")
    writer.do(f"matched w 0 {len(readers)}")
    for reader in readers:
        reader.do("matched r 0 1")
    writer.do("write 0 10")
    for reader in readers:
        check_all_came(reader.do("take 0 10"), 10)
    world.check_published(10, topic=TOPIC, readers=len(readers))


def scopes(world):
    """The scopes of the topic in Eddy, with their writers and readers."""
    rows = [row for row in world.probe() if row[:2] == ["topic", TOPIC]]
    return {row[3]: (int(row[5]), int(row[6])) for row in rows}


def case_domain_chosen(world):
    """Every way that leads to one domain, and a variable that says otherwise in some shells."""
    ways = ways_to(world, world.dds_domain)
    readers = [join(world, name, way) for name, way in ways.items()]
    readers += [join(world, f"{name}, elsewhere", ways[name], CYCLONEDDS_DOMAIN_ID=9)
                for name in ("argument", "settings", "file")]
    meet(world, join(world, "writer", ways["argument"]), readers)
    check_equal(list(scopes(world)), [f"EDDY.{world.dds_domain}"], "scopes")
    world.end()


def case_domain_default(world):
    """Nothing chosen is domain 0, whatever the shell's variable says."""
    default = (LOOPBACK, "default", {})
    readers = [
        join(world, "default", default),
        join(world, "default, with a variable", default, CYCLONEDDS_DOMAIN_ID=9),
        join(world, "default, with ROS's", default, ROS_DOMAIN_ID=9),
        join(world, "any, as an element", (named("", "<Id>any</Id>"), "default", {})),
        join(world, "no Domain", ("<General><AllowMulticast>false</AllowMulticast></General>,"
                                  + LOOPBACK, "default", {})),
    ]
    meet(world, join(world, "writer", (LOOPBACK, 0, {}), CYCLONEDDS_DOMAIN_ID=8), readers)
    check_equal(list(scopes(world)), ["EDDY.0"], "scopes")
    world.end()


def apart(world, one, other):
    """Programs that do not meet over the network have no topic in common in Eddy."""
    before = scopes(world)
    writer, reader = join(world, "writer", one), join(world, "reader", other)
    reader.open(f"reader {TOPIC} fixed depth=100")
    writer.open(f"writer {TOPIC} fixed depth=100")
    here = {scope: users for scope, users in scopes(world).items() if scope not in before}
    check_equal(sorted(here.values()), [(0, 1), (1, 0)], f"writers and readers of scopes in {here}")
    for node in (writer, reader):
        node.quit()


def case_domain_apart(world):
    number = world.dds_domain
    ways = ways_to(world, number)
    other = (LOOPBACK, number + 100, {})
    for name in ("argument", "settings", "file", "variable"):
        apart(world, ways[name], other)
    apart(world, ways["argument"], (LOOPBACK, "default", {"CYCLONEDDS_DOMAIN_ID": number}))
    tagged = named('id="any"', "<Discovery><Tag>blue</Tag></Discovery>")
    apart(world, ways["argument"], (tagged, number, {}))
    world.end()


def case_domain_external(world):
    """A domain that goes by another number on the network meets the one of that number."""
    number = world.dds_domain
    inside = f"<Discovery><ExternalDomainId>{number}</ExternalDomainId></Discovery>"
    readers = [join(world, "external", (named('id="3"', inside), 3, {})),
               join(world, "external for all", (named('id="any"', inside), 4, {}))]
    meet(world, join(world, "writer", (LOOPBACK, number, {})), readers)
    check(len(scopes(world)) == 1, f"one scope, not {scopes(world)}")
    world.end()

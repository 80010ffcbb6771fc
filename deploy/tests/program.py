"""What the program says of itself: its commands, and the keys of its configuration."""

import functools
import json
import re

from parts import run, tidewatch


@functools.cache
def commands():
    """Names of the subcommands."""
    helped = run(tidewatch(), "--help")[1]
    return set(re.findall(r"^  ([a-z-]+) {2,}", helped, re.M))


@functools.cache
def flags(command):
    """The long flags of a subcommand."""
    return set(re.findall(r"(--[a-z-]+)", run(tidewatch(), command, "--help")[1]))


@functools.cache
def schema():
    """JSON Schema of the configuration."""
    return json.loads(run(tidewatch(), "config", "schema")[1])


def is_setting(variable):
    """Whether TIDEWATCH_A__B names a key of the configuration."""
    node = schema()
    for part in variable.removeprefix("TIDEWATCH_").lower().split("__"):
        found = node.get("properties", {})
        if part not in found and part.endswith("_file"):
            part = part.removesuffix("_file")
        if part not in found:
            return False
        node = found[part]
    return "properties" not in node


# Names of the systems replaced that the specification lists; the program reads them, or says that it cannot.
OLD_NAMES = {"REDIS_URL"}


def unknown_arguments(arguments):
    """What of a container's arguments the program does not know."""
    command, *rest = arguments
    if command not in commands():
        return [command]
    return [flag for flag in rest if flag.startswith("--") and flag not in flags(command)]


def unknown_variables(names):
    """Which variables the program would not understand."""
    return [n for n in names if n not in OLD_NAMES and n.startswith("TIDEWATCH_") and not is_setting(n)]

"""Texts that are no dates, though some look like it: what the network must learn to refuse.

In: words. Out: texts. Everything in a tuple to choose from is drawn, so its order is part of what a seed means.
"""

from __future__ import annotations

import calendar
import string
from collections.abc import Callable, Sequence
from random import Random

from dltools.models.dates.phrases import MONTHS

_STREETS = "street st avenue ave road rd lane drive blvd square way".split()
_UNITS = "kg km mb gb ms % usd eur $ m cm items people pages miles °c px hz lines bytes points".split()
_THINGS = (
    "version v release build rev chapter section page figure table room flight model part no. number id ticket order "
    "invoice item step level line error issue rfc iso apollo python ubuntu windows"
).split()
_WEEKDAYS = "monday tuesday friday sunday".split()


def negative(random: Random, words: Sequence[str], natives: Sequence[str]) -> str:
    """Return a text without a date; ``words`` are English, ``natives`` of some language."""
    return random.choice(_KINDS)(random, words if random.random() < 0.6 else natives)


def _words(random: Random, words: Sequence[str]) -> str:
    return " ".join(random.choice(words) for _ in range(random.choice((1, 1, 2, 3, 4, 6, 9))))


def _sentence(random: Random, words: Sequence[str]) -> str:
    parts = [random.choice(words) for _ in range(random.randint(2, 8))]
    for _ in range(random.randint(1, 2)):
        parts.insert(random.randrange(len(parts)), _number(random))
    return " ".join(parts)


def _number(random: Random, _words: Sequence[str] = ()) -> str:
    size = random.choice((1, 2, 3, 3, 5, 5, 7, 9, 10, 11, 13))
    number = "".join(random.choices(string.digits, k=size))
    point, commas = f"{number[:-2] or 0}.{number[-2:]}", f"{int(number):,}"
    return random.choice((number, number, number, point, commas, f"-{number}", f"#{number}", f"${number}"))


def _measure(random: Random, _words: Sequence[str]) -> str:
    return f"{_number(random)}{random.choice(('', ' '))}{random.choice(_UNITS)}"


def _version(random: Random, words: Sequence[str]) -> str:
    number = ".".join(
        str(random.choice((random.randint(0, 9), random.randint(0, 30)))) for _ in range(random.choice((2, 3, 3, 3, 4)))
    )
    tail = random.choice(("", "", "", "-rc1", "-beta", "b2", ".dev0", "+git"))
    thing = random.choice((random.choice(_THINGS), random.choice(_THINGS), random.choice(words)))
    return f"{thing}{random.choice((' ', ' ', '-', ''))}{number}{tail}"


def _named_number(random: Random, words: Sequence[str]) -> str:
    return f"{random.choice((random.choice(_THINGS), random.choice(words)))} {_number(random)}"


def _address(random: Random, words: Sequence[str]) -> str:
    house = random.randint(1, random.choice((99, 999, 20000)))
    street = f"{house} {random.choice(words)} {random.choice(_STREETS)}"
    return street + random.choice(
        (
            "",
            f", {random.choice(words)}",
            f", {random.choice(words)} {random.randint(1000, 99999)}",
            f", apt {random.randint(1, 99)}",
            f", {random.choice(words)}, {_state(random)} {random.randint(10000, 99999)}",
        )
    )


def _state(random: Random) -> str:
    return random.choice(string.ascii_lowercase) + random.choice(string.ascii_lowercase)


def _network(random: Random, words: Sequence[str]) -> str:
    word = random.choice(words)
    return random.choice(
        (
            ".".join(str(random.randint(0, 255)) for _ in range(4)),
            ".".join(str(random.randint(0, 255)) for _ in range(4)) + f":{random.randint(1, 65535)}",
            f"https://{word}.com/{random.choice(words)}/{random.randint(1, 9999)}",
            f"{word}@{random.choice(words)}.org",
            f"/usr/{word}/{random.choice(words)}.{random.choice(('txt', 'py', 'jpg'))}",
            ":".join(f"{random.randint(0, 255):02x}" for _ in range(6)),
            f"www.{word}.net",
        )
    )


def _phone(random: Random, _words: Sequence[str]) -> str:
    digits = [str(random.randint(10, 999)), str(random.randint(100, 999)), str(random.randint(1000, 9999))]
    return random.choice(("", "+1 ", "+49 ", "tel. ", "tel: ", "call ")) + random.choice(" -.").join(digits)


def _clock(random: Random, _words: Sequence[str]) -> str:
    hour, minute = random.randint(0, 23), f"{random.randint(0, 59):02}"
    half = hour % 12 + 1
    seconds = f"{hour:02}:{minute}:{random.randint(0, 59):02}"
    return random.choice(
        (f"{hour}:{minute}", seconds, f"{half} pm", f"{half}:{minute} am", f"at {hour}:{minute}", f"{hour}h{minute}")
    )


def _impossible(random: Random, _words: Sequence[str]) -> str:
    """Return a date of a month that has no such day, or of no month, in whichever order it is read."""
    year, month = random.randint(1900, 2100), random.randint(1, 12)
    last = calendar.monthrange(year, month)[1]
    day = random.choice((last + 1, 32, 33, 35, 40, 45, 99)) if last < 31 or random.random() < 0.5 else 32
    name = MONTHS[month - 1][: random.choice((3, 9))]
    wrong = random.choice((13, 14, 15, 20, 31, 45, 0))
    return random.choice(
        (
            f"{year}-{month:02}-{day:02}",
            f"{day}/{month}/{year}",
            f"{month}/{day}/{year}",
            f"{day}.{month:02}.{year}",
            f"{name} {day}, {year}",
            f"{day} {name} {year}",
            f"{day}th of {name}, {year}",
            f"{year}-{wrong:02}-{random.randint(13, 28)}",
            f"{random.randint(13, 28)}.{wrong:02}.{year}",
            f"{random.randint(13, 28)}/{wrong}/{year}",
            f"{year}{month:02}{day:02}",
            f"{name} 0, {year}",
            f"{year}-{month:02}-00",
            f"00/{month:02}/{year}",
            f"29 february {random.choice((1900, 2100, 2001, 2003, 2019, 2021, 2022, 2023))}",
        )
    )


def _code(random: Random, words: Sequence[str]) -> str:
    letters = random.choice((string.ascii_lowercase, string.hexdigits.lower(), string.ascii_lowercase + string.digits))
    block = "".join(random.choices(letters, k=random.randint(2, 16)))
    named, numbered = f"{random.choice(words)}_{block}", f"{block[:3]}{random.randint(1, 9999)}"
    return random.choice((block, f"{block}-{block[:4]}", named, numbered))


def _arithmetic(random: Random, words: Sequence[str]) -> str:
    first, second = random.randint(0, 99), random.randint(0, 99)
    return random.choice(
        (
            f"{first}/{second} {random.choice(words)}",
            f"{first}-{second}",
            f"{first}:{second}:{random.randint(0, 9)}-{random.choice(words)}",
            f"{first} x {second}",
            f"{first}+{second}={first + second}",
            f"{random.choice(words)} {first}-{second}",
            f"({first}, {second})",
            f"[{first}]",
        )
    )


def _anything(random: Random, _words: Sequence[str]) -> str:
    wild = "".join(chr(random.randint(0x21, 0x2FFF)) for _ in range(20))
    pool = random.choice((string.punctuation, string.printable, wild, "😀🎉→★…°§", string.digits + " -/.:,"))
    text = "".join(random.choices(pool, k=random.randint(1, 14)))
    return text if sum(character.isdigit() for character in text) < 5 else text[:4]


def _near_miss(random: Random, words: Sequence[str]) -> str:
    """Return a month or a day that stands in a sentence as a word, or with a number that is no day or year."""
    month, day = random.choice(MONTHS), random.choice(_WEEKDAYS)
    one, two = random.choice(words), random.choice(words)
    return random.choice(
        (
            f"{one} may {two}",
            f"march {one} {two}",
            f"{one} {month}",
            f"{month} {one}",
            f"{one} {day} {two}",
            f"{one} second {two}",
            f"{month} {random.randint(100, 900)} {one}",
            f"{day} {one} {random.randint(1, 99)}",
            f"{one} of {month}",
            month,
            f"{one} the {random.randint(1, 31)}th",
            f"the {random.randint(1, 31)}th",
            f"{one} 4th {two}",
        )
    )


_Kind = Callable[[Random, Sequence[str]], str]
_KINDS: tuple[_Kind, ...] = (
    *(_words, _words, _words, _words, _sentence, _sentence, _number, _measure, _version, _version, _named_number),
    *(_address, _address, _network, _phone, _clock, _impossible, _impossible, _impossible, _code, _arithmetic),
    *(_anything, _near_miss, _near_miss),
)

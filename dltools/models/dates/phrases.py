"""The words, marks and frames that dates and times of day are written with, and what stands around them in real texts.

In: a date's text. Out: it with something around it. Equal states of ``random`` draw equal texts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random

from dltools.models.dates.characters import MAX_CHARS, fold

MONTHS = "january february march april may june july august september october november december".split()
#: The days of a month in words.
SPELLED = (
    "first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|thirteenth|fourteenth|"
    "fifteenth|sixteenth|seventeenth|eighteenth|nineteenth|twentieth|twenty-first|twenty-second|twenty-third|"
    "twenty-fourth|twenty-fifth|twenty-sixth|twenty-seventh|twenty-eighth|twenty-ninth|thirtieth|thirty-first"
).split("|")
ROMAN = "I II III IV V VI VII VIII IX X XI XII".split()
CHINESE = "〇一二三四五六七八九"
APOSTROPHES = "'’"
#: Names of zones, each with how a time of day with it is to be written.
ZONES = dict(
    zone.split("=")
    for zone in (
        "UTC=Z_____ GMT=Z_____ EST=-05:00 EDT=-04:00 CST=-06:00 CDT=-05:00 MST=-07:00 MDT=-06:00 "
        "PST=-08:00 PDT=-07:00 CET=+01:00 CEST=+02:00 EET=+02:00 EEST=+03:00 BST=+01:00 MSK=+03:00 "
        "JST=+09:00 KST=+09:00 AEST=+10:00 BRT=-03:00 BRST=-02:00"
    ).split()
)
#: Zones that no offset is known of.
AREAS = (
    "ICT|IST|AKST|NZDT|SGT|WAT|ART|AST|PKT|Europe/Berlin|America/New_York|Asia/Tokyo|local|Eastern Time|ET|PT|UTC+?"
).split("|")
ISO_TIMES = ("HH:mm:ss", "HH:mm", "HH:mm:ss.SSS", "HH:mm:ss.SSSSSS", "HH", "HHmm", "HHmmss", "HH:mm:ss,SSS")
LOG_TIMES = ("HH:mm:ss", "HH:mm:ss", "HH:mm:ss.SSS", "HH:mm:ss,SSS", "HH:mm")
#: What stands before and after an English date.
BEFORE = (
    "on|on|on the|the|date:|date|date of birth:|dob:|dated|published|published on|posted on|posted:|updated:|"
    "updated on|last updated|as of|since|until|by|before|after|from|due|due date:|created:|created at|"
    "last modified:|modified|born|born on|died|effective|expires|expires:|expiry date|valid until|it is|today is|"
    "it was|the date is|deadline|signed|received|joined|issued on|week of|when:|time:|start:|end:|sent:|time|"
    "timestamp:|release date:|delivered on|invoice date:|meeting on|exactly on|circa|approx.|at|in|ca."
).split("|")
AFTER = (
    "ad|a.d.|ce|at|gmt|est|edition|(updated)|onwards|or later|at the latest|approx.|local time|- present|was the day"
).split("|")
#: What stands around a date in any language.
FRAMES = (
    "[{}]¦({})¦<{}>¦\"{}\"¦'{}'¦{}.¦{},¦{};¦{}:¦{}!¦{} -¦- {}¦* {}¦• {}¦| {} |¦{}?¦~{}¦={}¦@{}¦-- {} --¦{{{}}}¦{})¦"
    "...{}¦«{}»¦“{}”¦, {}¦: {}¦/{}/"
).split("¦")
#: What stands between a date and a time of day, and the other way round.
JOINS = " ¦ ¦ ¦ ¦ ¦, ¦, ¦ - ¦ @ ¦; ¦ / ¦,¦  ¦ | ¦_¦ at ¦ at ¦, at ¦ around ¦: ¦ (¦ exactly at ¦. ".split("¦")
JOINS_BACK = " ¦ ¦ ¦, ¦, ¦ on ¦ on ¦, on ¦ of ¦ - ¦,¦ / ¦; ¦ (¦ on the ¦ | ".split("¦")
#: What in a form of a line of a log is to be filled in.
_BLANK = re.compile("ip|12345|#12|word|DATE|TIME")


def framed(text: str, random: Random) -> str:
    """Return ``text`` between marks."""
    return random.choice(FRAMES).format(text)


def wrapped(text: str, on: Sequence[str], random: Random, share: float) -> str:
    """Return ``text``, in a ``share`` of the cases with words (``on`` or English ones) or marks around it."""
    if random.random() >= share:
        return text
    choice = random.random()
    if choice < 0.45:
        text = f"{random.choice(on if on and random.random() < 0.8 else BEFORE)} {text}"
    elif choice < 0.55:
        text = f"{text} {random.choice(AFTER)}"
    return framed(text, random) if choice > 0.5 or random.random() < 0.2 else text


def among(words: Sequence[str], text: str, random: Random) -> str:
    """Return ``text`` among some of ``words``."""
    before = [random.choice(words) for _ in range(random.randint(0, 4))]
    after = [random.choice(words) for _ in range(random.randint(0 if before else 1, 4))]
    if random.random() < 0.2:
        after.append(str(random.randint(1, 99)))
    if before and random.random() < 0.5:
        before.append(random.choice(("on", "the", "at", "on the", "is", "of", "from")))
    return " ".join((*before, text + random.choice(("", "", ",", ".")), *after))


def log_line(form: str, date: str, time: str, words: Sequence[str], random: Random) -> str | None:
    """Return a folded line of a log, cut to what the network reads; None where ``date`` or ``time`` would be cut."""
    values = {
        "ip": ".".join(str(random.randint(0, 255)) for _ in range(4)),
        "12345": str(random.randint(1, 99999)),
        "#12": f"#{random.randint(1, 99)}",
        "DATE": date,
        "TIME": time,
    }
    line = _BLANK.sub(lambda blank: values.get(blank.group()) or random.choice(words), form)
    line = fold(line + " ".join(random.choice(words) for _ in range(random.randint(0, 5))))
    date = fold(date)
    start = line.find(date)
    return line[:MAX_CHARS] if start >= 0 and start + len(date) + len(time) < MAX_CHARS else None

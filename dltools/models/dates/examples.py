"""Examples to learn from: a date, written in a pattern of some locale, with what stands around dates in real texts.

In: locales and formats. Out: folded texts, what the network shall write for each, and the hints it gets.
"""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from dltools.models.dates import patterns
from dltools.models.dates.characters import MAX_CHARS, fold
from dltools.models.dates.formats import Formats, Part, part_of
from dltools.models.dates.grammar import REFUSED
from dltools.models.dates.locales import Names, names_of
from dltools.models.dates.negatives import negative
from dltools.models.dates.order import ORDERS, PIVOT, full_year, readings
from dltools.models.dates.relative import relative

NO_TIME = "_" * 14
_SPELLED = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
    "twentieth",
    "twenty-first",
    "twenty-second",
    "twenty-third",
    "twenty-fourth",
    "twenty-fifth",
    "twenty-sixth",
    "twenty-seventh",
    "twenty-eighth",
    "twenty-ninth",
    "thirtieth",
    "thirty-first",
]
_ROMAN = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"]
_CHINESE = "〇一二三四五六七八九"
_ZONES = {
    "UTC": "Z_____", "GMT": "Z_____", "EST": "-05:00", "EDT": "-04:00", "CST": "-06:00", "CDT": "-05:00", "MST": "-07:00", "MDT": "-06:00", "PST": "-08:00",
    "PDT": "-07:00", "CET": "+01:00", "CEST": "+02:00", "EET": "+02:00", "EEST": "+03:00", "BST": "+01:00", "MSK": "+03:00", "JST": "+09:00", "KST": "+09:00",
    "AEST": "+10:00", "BRT": "-03:00", "BRST": "-02:00",
}  # fmt: skip
_AREAS = (
    "ICT",
    "IST",
    "AKST",
    "NZDT",
    "SGT",
    "WAT",
    "ART",
    "AST",
    "PKT",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Tokyo",
    "local",
    "Eastern Time",
    "ET",
    "PT",
    "UTC+?",
)
_ISO_TIMES = ("HH:mm:ss", "HH:mm", "HH:mm:ss.SSS", "HH:mm:ss.SSSSSS", "HH", "HHmm", "HHmmss", "HH:mm:ss,SSS")
_LOG_TIMES = ("HH:mm:ss", "HH:mm:ss", "HH:mm:ss.SSS", "HH:mm:ss,SSS", "HH:mm")
_BEFORE = (
    "on", "on", "on the", "the", "date:", "date", "date of birth:", "dob:", "dated", "published", "published on", "posted on", "posted:", "updated:", "updated on", "last updated",
    "as of", "since", "until", "by", "before", "after", "from", "due", "due date:", "created:", "created at", "last modified:", "modified", "born", "born on", "died", "effective",
    "expires", "expires:", "expiry date", "valid until", "it is", "today is", "it was", "the date is", "deadline", "signed", "received", "joined", "issued on", "week of", "when:", "time:", "start:", "end:",
    "sent:", "time", "timestamp:", "release date:", "delivered on", "invoice date:", "meeting on", "exactly on", "circa", "approx.", "at", "in", "ca.",
)  # fmt: skip
_AFTER = (
    "ad",
    "a.d.",
    "ce",
    "at",
    "gmt",
    "est",
    "edition",
    "(updated)",
    "onwards",
    "or later",
    "at the latest",
    "approx.",
    "local time",
    "- present",
    "was the day",
)
_FRAMES = ("[{}]", "({})", "<{}>", '"{}"', "'{}'", "{}.", "{},", "{};", "{}:", "{}!", "{} -", "- {}", "* {}", "• {}", "| {} |", "{}?", "~{}", "={}", "@{}", "-- {} --", "{{{}}}", "{})", "...{}", "«{}»", "“{}”", ", {}", ": {}", "/{}/")  # fmt: skip
_JOINS = (
    " ",
    " ",
    " ",
    " ",
    " ",
    ", ",
    ", ",
    " - ",
    " @ ",
    "; ",
    " / ",
    ",",
    "  ",
    " | ",
    "_",
    " at ",
    " at ",
    ", at ",
    " around ",
    ": ",
    " (",
    " exactly at ",
    ". ",
)
_JOINS_BACK = (
    " ",
    " ",
    " ",
    ", ",
    ", ",
    " on ",
    " on ",
    ", on ",
    " of ",
    " - ",
    ",",
    " / ",
    "; ",
    " (",
    " on the ",
    " | ",
)


class Day(NamedTuple):
    """A day to write down, which need not exist."""

    year: int
    month: int
    day: int

    @property
    def weekday(self) -> int:
        """Monday is 0."""
        return calendar.weekday(*self)

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}-{self.day:02}"


class Clock(NamedTuple):
    """A time of day to write down; ``zone`` is how it stands in a target, ``name`` how in a text."""

    hour: int
    minute: int
    second: int
    zone: str
    name: str


class Example(NamedTuple):
    """A folded text, what shall be written for it, and the hints: an order and a language, empty for none."""

    text: str
    date: str
    time: str
    order: str
    language: str
    kind: str
    format: str


class Writer:
    """Draws examples of one part of the formats; equal seeds draw equal examples."""

    def __init__(
        self, locales: Sequence[str], formats: Formats, words: Sequence[str], part: Part | None = "train"
    ) -> None:
        """``words``: English words for the noise. ``part``: None for all formats."""
        self.locales = [names_of(code) for code in locales]
        self.formats = formats
        self.words = words
        self.part = part
        self.natives = {names.code: _natives(names.code) for names in self.locales}
        self._parsed: dict[str, tuple[patterns.Field | str, ...]] = {}
        self._english = [names for names in self.locales if names.code.startswith("en")] or self.locales
        self._common = self.locales[: max(1, 24 * len(self.locales) // 80)]
        self.random = Random(0)
        self._said: set[str] = set()  # the letters of the fields of a time of day that were written, "z" for its zone

    def example(self, seed: int) -> Example:
        """Return the example of ``seed``."""
        self.random = random = Random(seed)
        for _ in range(50):
            choice = random.random()
            if choice < 0.13:
                found = self._negative()
            elif choice < 0.18:
                found = self._relative()
            elif choice < 0.215:
                found = self._partial()
            else:
                found = self._date()
            if found is not None and 0 < len(found.text) <= MAX_CHARS:
                return found
        raise RuntimeError("no format gives a text that is short enough")

    # --- the kinds

    def _negative(self) -> Example:
        names = self._names()
        text = negative(self.random, self.words, self.natives[names.code])
        return self._finished(text, REFUSED, NO_TIME, names, "none", "")

    def _relative(self) -> Example:
        names = self._names()
        text, expression = relative(names, self.random)
        if self.random.random() < 0.15:
            text = self.random.choice(_FRAMES).format(text)
        return self._finished(text, expression, NO_TIME, names, "relative", "")

    def _partial(self) -> Example | None:
        random, names, day = self.random, self._names(), self._day()
        month, date = f"{day.year:04}-{day.month:02}-__", f"____-{day.month:02}-{day.day:02}"
        year = f"{day.year:04}-__-__"
        choices = [
            ("MMMM y", month), ("MMM y", month), ("MMMM, y", month), ("MMM-y", month), ("y-MM", month), ("MM/y", month), ("MM.y", month), ("y MMMM", month), ("y/MM", month),
            ("MMMM d", date), ("d MMMM", date), ("d MMM", date), ("MMM d", date), ("EEEE, MMMM d", date), ("E d MMM", date), ("d. MMMM", date), ("y", year), ("'in' y", year),
        ]  # fmt: skip
        if names.code.startswith("en"):
            choices += [
                ("MMMM do", date),
                ("do 'of' MMMM", date),
                ("'the' do 'of' MMMM", date),
                ("E do MMMM", date),
                ("'in' MMMM y", month),
                ("'in' MMMM 'of' y", month),
            ]
        if not names.alphabetic:
            choices = (
                [("y年M月", month), ("y. M.", month), ("M月d日", date), ("y年", year)]
                if names.code != "ko"
                else [("y년 M월", month), ("M월 d일", date), ("y년", year)]
            )
        pattern, expression = random.choice(choices)
        text = self._render(pattern, day, None, names)
        if "d" not in pattern or not readings(fold(text)):
            if "d" in pattern and random.random() < 0.3:
                text += " " + self._render(random.choice(self.formats.of("time")), day, self._clock(), names)
            return self._finished(self._wrapped(text, names, 0.2), expression, NO_TIME, names, "partial", "")
        return None

    def _date(self) -> Example | None:
        random, names = self.random, self._names()
        pattern, kind = self._pattern(names)
        if self.part is not None and part_of(pattern) != self.part:
            return None
        letters = patterns.letters(pattern)
        short = "B" in letters or any(field.letter in "yu" and field.width == 2 for field in self._fields(pattern))
        day = self._day(short)
        date = str(day)
        self._said.clear()
        clock = self._clock() if random.random() < (0.4 if kind != "packed" else 0.5) else None
        if "TIME" in pattern and clock is None:
            clock = self._clock()
        text = self._render(pattern, day, clock, names)
        bare = text
        if kind in ("week", "ordinal"):
            year, week, weekday = _iso(day)
            date = f"{year:04}-W{week:02}-{weekday}" if kind == "week" else f"{day.year:04}-D{_ordinal(day):03}."
            text = bare = (
                date.rstrip(".").replace("D", "")
                if random.random() < 0.7
                else date.rstrip(".").replace("D", "").replace("-", "")
            )
            if kind == "ordinal" and len(text) == 7 and random.random() < 0.8:
                return None
        elif clock is not None and "TIME" not in pattern:
            text = self._with_time(text, pattern, kind, day, clock, names)
        wordy = not short and kind != "packed"
        if kind == "name" and random.random() < 0.012:
            text = _slip(text, random)
        if wordy and clock is not None and random.random() < 0.1 and patterns.order(pattern) != "":
            line = self._log(bare, day, clock, names)
            if line is None:
                return None
            text = line
        else:
            text = self._wrapped(text, names, 0.3)
            if wordy and random.random() < 0.07:
                text = self._in_words(text, names)
        time = self._said_of(clock) if clock is not None else NO_TIME
        return self._hinted(text, bare, date, time, names, kind, pattern)

    def _said_of(self, clock: Clock) -> str:
        """Return what is known of ``clock`` to who reads the text."""
        if not self._said & set("Hh"):
            return NO_TIME
        minute = clock.minute if "m" in self._said else 0
        second = f"{clock.second:02}" if "s" in self._said else "__"
        return f"{clock.hour:02}:{minute:02}:{second}{clock.zone if 'z' in self._said else '______'}"

    def _hinted(
        self, text: str, bare: str, date: str, time: str, names: Names, kind: str, pattern: str
    ) -> Example | None:
        """Give an order as hint, where the text can be read in it; else None."""
        hint = ""
        if self.random.random() < 0.25:
            hint = self.random.choice(ORDERS)
            possible = readings(fold(bare))
            if hint in possible:
                date = possible[hint]
            elif hint == "ymd" and kind == "name" and ("yy" in pattern or "B" in pattern):
                hint = ""
        return self._finished(text, date, time, names, kind, pattern, hint)

    def _finished(
        self, text: str, date: str, time: str, names: Names, kind: str, pattern: str, hint: str = ""
    ) -> Example:
        if not hint and date == REFUSED and self.random.random() < 0.25:
            hint = self.random.choice(ORDERS)
        language = names.code.split("_")[0] if self.random.random() < 0.12 else ""
        return Example(fold(text), date, time, hint, language, kind, pattern)

    # --- what is drawn

    def _names(self) -> Names:
        choice = self.random.random()
        return self.random.choice(self._english if choice < 0.37 else self._common if choice < 0.6 else self.locales)

    def _pattern(self, names: Names) -> tuple[str, str]:
        """Return a pattern and its kind."""
        random, formats = self.random, self.formats
        choice = random.random()
        if choice < 0.2:
            return self._varied(random.choice(formats.of("number"))), "number"
        if choice < 0.26:
            return random.choice(formats.of("packed")), "packed"
        if choice < 0.275:
            return "y", random.choice(("week", "ordinal"))
        if choice < 0.36 and names.alphabetic:
            return self._shuffled(), "name"
        own = formats.of(names.code) or formats.of(names.code.split("_")[0])
        if choice < 0.58 and own:
            return self._varied(random.choice(own)), "name"
        if choice < 0.72 or not names.alphabetic:
            return self._varied(random.choice(names.patterns)), "name"
        return self._varied(random.choice(formats.of("name"))), "name"

    def _varied(self, pattern: str) -> str:
        """Return ``pattern``, sometimes with other marks between its fields."""
        random = self.random
        choice = random.random()
        if choice < 0.72 or ("'" in pattern and choice < 0.9):
            return pattern
        if choice < 0.80:
            return pattern.replace(",", "")
        if choice < 0.84:
            return pattern.replace(".", "")
        if choice < 0.87:
            return pattern.replace(", ", ",").replace(". ", ".")
        if choice < 0.90:
            return pattern.replace("MMMM", "MMM") if "MMMM" in pattern else pattern.replace("MMM", "MMMM")
        if choice < 0.92:
            return pattern.replace("EEEE", "E") if "EEEE" in pattern else pattern.replace("E", "EEEE")
        if patterns.is_numeric(pattern):
            return pattern
        if choice < 0.96:
            return pattern.replace(" ", random.choice(("-", "/", ".", "_", ", ", " , ", "", "-", ". ")))
        return pattern.replace("MMMM", "MMMM,").replace(",,", ",")

    def _shuffled(self) -> str:
        """Return the fields of a date with a named month and a full year in any order."""
        random = self.random
        fields = [random.choice(("d", "d", "dd")), random.choice(("MMM", "MMM", "MMMM")), "y"]
        if random.random() < 0.4:
            fields.append(random.choice(("E", "EEEE")))
        if random.random() < 0.5:
            fields.append("TIME")
        random.shuffle(fields)
        mark = (
            random.choice((" ", " ", " ", " ", ", ", "-", "/", "."))
            if "TIME" not in fields
            else random.choice((" ", " ", ", "))
        )
        return mark.join(fields)

    def _day(self, short: bool = False) -> Day:
        random = self.random
        if short:
            year = full_year(random.randrange(100), PIVOT)
        else:
            choice = random.random()
            low, high = (1970, 2035) if choice < 0.5 else (1900, 2100) if choice < 0.75 else (1583, 2999)
            year = random.randint(low, high)
        month = random.randint(1, 12)
        return Day(year, month, random.randint(1, calendar.monthrange(year, month)[1]))

    def _clock(self) -> Clock:
        random = self.random
        name, zone = "", "______"
        if random.random() < 0.4:
            choice = random.random()
            if choice < 0.2:
                name, zone = "Z", "Z_____"
            elif choice < 0.5:
                name = random.choice(list(_ZONES))
                zone = _ZONES[name]
            elif choice < 0.55:
                name = random.choice(_AREAS)
            else:
                sign, hours, minutes = (
                    random.choice("+-"),
                    random.randint(0, 12),
                    random.choice((0, 0, 0, 0, 30, 45, 15)),
                )
                zone = f"{sign}{hours:02}:{minutes:02}"
                short = (
                    (
                        f"{sign}{hours:02}",
                        f"GMT{sign}{hours}",
                        f"UTC{sign}{hours}",
                        f"GMT {sign}{hours}",
                        f"UTC {sign}{hours}",
                    )
                    if not minutes
                    else ()
                )
                name = random.choice(
                    (
                        zone,
                        zone,
                        zone,
                        f"{sign}{hours:02}{minutes:02}",
                        f"{sign}{hours:02}{minutes:02}",
                        f"GMT{zone}",
                        f"UTC{zone}",
                        *short,
                    )
                )
        if random.random() < 0.07:
            return Clock(0, 0, 0, zone, name)
        return Clock(random.randint(0, 23), random.randint(0, 59), random.randint(0, 59), zone, name)

    # --- how it is written

    def _fields(self, pattern: str) -> list[patterns.Field]:
        return [part for part in self._parse(pattern) if isinstance(part, patterns.Field)]

    def _parse(self, pattern: str) -> tuple[patterns.Field | str, ...]:
        parsed = self._parsed.get(pattern)
        if parsed is None:
            parsed = self._parsed[pattern] = patterns.parse(pattern)
        return parsed

    def _render(self, pattern: str, day: Day, clock: Clock | None, names: Names) -> str:
        before, time, after = pattern.partition("TIME")
        if time:
            shown = self._time(clock, names) if clock is not None else ""
            return self._render(before, day, clock, names) + shown + self._render(after, day, clock, names)
        return "".join(
            part if isinstance(part, str) else self._field(part, day, clock, names) for part in self._parse(pattern)
        )

    def _field(self, field: patterns.Field, day: Day, clock: Clock | None, names: Names) -> str:
        letter, width = field
        random = self.random
        if letter in "yu":
            return f"{day.year % 100:02}" if width == 2 else str(day.year)
        if letter == "d":
            return f"{day.day:02}" if width == 2 else str(day.day)
        if letter in "ML":
            if width > 2:
                return random.choice(names.months[min(width, 4)][day.month - 1])
            return f"{day.month:02}" if width == 2 else str(day.month)
        if letter in "Ec":
            return random.choice(names.days[4 if width == 4 else 3][day.weekday])
        if clock is not None and letter in "HKhkmsSa":
            return self._clock_field(letter, width, clock, names)
        return self._special_field(letter, day, names)

    def _special_field(self, letter: str, day: Day, names: Names) -> str:
        if letter == "o":
            if names.code.startswith("fr"):
                return "er" if day.day == 1 else ""
            teen = 10 <= day.day % 100 <= 20
            return "th" if teen else {1: "st", 2: "nd", 3: "rd"}.get(day.day % 10, "th")
        if letter == "A":
            spelled = _SPELLED[day.day - 1]
            return spelled if self.random.random() < 0.6 else spelled.replace("-", " ")
        if letter == "R":
            return _ROMAN[day.month - 1]
        if letter == "B":
            return f"{self.random.choice(chr(39) + '’')}{day.year % 100:02}"
        if letter == "N":
            return "".join(_CHINESE[int(digit)] for digit in str(day.year))
        return _chinese(day.month if letter == "X" else day.day) if letter in "XC" else ""

    def _clock_field(self, letter: str, width: int, clock: Clock, names: Names) -> str:
        random = self.random
        if letter == "S":
            return "".join(random.choices("0123456789", k=random.choice((1, 2, 3, 3, 6)) if width == 3 else width))
        if letter == "a":
            return self._half(clock.hour, names)
        self._said.add("h" if letter in "HkhK" else letter)
        value = {
            "H": clock.hour,
            "k": clock.hour,
            "h": (clock.hour - 1) % 12 + 1,
            "K": clock.hour % 12,
            "m": clock.minute,
            "s": clock.second,
        }[letter]
        return f"{value:02}" if width == 2 else str(value)

    def _half(self, hour: int, names: Names) -> str:
        random = self.random
        if names.code.startswith("en") or random.random() < 0.4:
            letter = "a" if hour < 12 else "p"
            return random.choice((f"{letter}m", f"{letter}m", f"{letter}.m.", f"{letter} m", f"{letter}.m"))
        return random.choice(names.halves[0 if hour < 12 else 1])

    def _zoned(self, text: str, clock: Clock, *, plain: bool = False) -> str:
        """Append the zone of ``clock``, if it has one; ``plain``: only one that needs no space."""
        if not clock.name or (plain and clock.name[0] not in "+-Z"):
            return text
        self._said.add("z")
        if clock.name[0] in "+-Z":
            return text + ("" if plain else self.random.choice(("", "", " "))) + clock.name
        name = f"({clock.name})" if self.random.random() < 0.1 else clock.name
        return text + self.random.choice((" ", " ", " ", "")) + name

    def _time(self, clock: Clock, names: Names) -> str:
        """Return a time of day with its zone."""
        random = self.random
        choice, own = random.random(), self.formats.of("time-" + names.code.split("_")[0])
        pattern = random.choice(
            own if own and choice < 0.4 else self.formats.of("time") if choice < 0.85 else names.times
        )
        text = self._render(pattern, Day(2000, 1, 1), clock, names)
        if "a" in patterns.letters(pattern) and "in the" in pattern:
            text = text.split(" in the")[0] + " in the " + ("morning" if clock.hour < 12 else "evening")
        return self._zoned(text, clock)

    def _with_time(self, text: str, pattern: str, kind: str, day: Day, clock: Clock, names: Names) -> str:
        random = self.random
        if kind == "packed":
            compact = random.choice(("HHmmss", "HHmm", "HHmmss", "HH", "HHmmss.SSS"))
            time = self._render(compact, day, clock, names)
            join = random.choice(
                ("T", "T", " ", "_", "-", "" if pattern == "yMMdd" and len(compact) in (4, 6) else "T")
            )
            return self._zoned(text + join + time, clock, plain=True)
        if kind == "number" and patterns.order(pattern)[:1] == "y" and random.random() < 0.4:
            self._said.clear()
            time = self._render(random.choice(_ISO_TIMES), day, clock, names)
            return self._zoned(text + random.choice("TTT ") + time, clock)
        time = self._time(clock, names)
        if names.at and random.random() < 0.3:
            time = f"{random.choice(names.at)} {time}"
        if names.clock and random.random() < 0.2:
            time = f"{time} {random.choice(names.clock)}"
        if random.random() < 0.15:
            return random.choice(names.joins).replace("'", "").format(time, text)
        if not names.alphabetic and random.random() < 0.3:
            return text + time
        if random.random() < 0.7:
            join = random.choice(_JOINS)
            return f"{text}{join}{time}{')' if join == ' (' else ''}"
        join = random.choice(_JOINS_BACK)
        if names.on and not names.code.startswith("en") and random.random() < 0.3:
            join = f" {random.choice(names.on)} "
        return f"{time}{join}{text}{')' if join == ' (' else ''}"

    def _wrapped(self, text: str, names: Names, share: float) -> str:
        random = self.random
        if random.random() >= share:
            return text
        choice = random.random()
        if choice < 0.45:
            before = random.choice(names.on) if names.on and random.random() < 0.8 else random.choice(_BEFORE)
            text = f"{before} {text}"
        elif choice < 0.55:
            text = f"{text} {random.choice(_AFTER)}"
        if choice > 0.5 or random.random() < 0.2:
            text = random.choice(_FRAMES).format(text)
        return text

    def _in_words(self, text: str, names: Names) -> str:
        random = self.random
        words = self.words if names.code.startswith("en") or random.random() < 0.3 else self.natives[names.code]
        before = [random.choice(words) for _ in range(random.randint(0, 4))]
        after = [random.choice(words) for _ in range(random.randint(0 if before else 1, 4))]
        if random.random() < 0.2:
            after.append(str(random.randint(1, 99)))
        if before and random.random() < 0.5:
            before.append(random.choice(("on", "the", "at", "on the", "is", "of", "from")))
        return " ".join((*before, text + random.choice(("", "", ",", ".")), *after))

    def _log(self, text: str, day: Day, clock: Clock, names: Names) -> str | None:
        random = self.random
        form = random.choice(self.formats.of("log"))
        self._said.clear()
        time = self._zoned(self._render(random.choice(_LOG_TIMES), day, clock, names), clock)
        form = form.replace("ip", ".".join(str(random.randint(0, 255)) for _ in range(4)))
        line = (
            form.replace("DATE", "\0")
            .replace("TIME", "\1")
            .replace("12345", str(random.randint(1, 99999)))
            .replace("#12", f"#{random.randint(1, 99)}")
        )
        line = " ".join(line.replace("word", "\2").split(" "))
        while "\2" in line:
            line = line.replace("\2", random.choice(self.words), 1)
        line += " ".join(random.choice(self.words) for _ in range(random.randint(0, 5)))
        whole = fold(line.replace("\0", text).replace("\1", time))
        end = whole.find(fold(text)) + len(fold(text))
        return whole[:MAX_CHARS] if fold(text) in whole and end + len(time) + 1 <= MAX_CHARS else None


def _slip(text: str, random: Random) -> str:
    """Leave out, double or swap a letter of a long word, as fingers do."""
    places = [
        place
        for place in range(1, len(text) - 1)
        if text[place - 1 : place + 2].isalpha() and text[max(0, place - 3) : place + 3].isalpha()
    ]
    if not places:
        return text
    place = random.choice(places)
    kind = random.randrange(3)
    if kind == 0:
        return text[:place] + text[place + 1 :]
    if kind == 1:
        return text[:place] + text[place] + text[place:]
    return text[:place] + text[place + 1] + text[place] + text[place + 2 :]


def _iso(day: Day) -> tuple[int, int, int]:
    import datetime

    return tuple(datetime.date(*day).isocalendar())


def _ordinal(day: Day) -> int:
    import datetime

    return datetime.date(*day).timetuple().tm_yday


def _chinese(number: int) -> str:
    tens, units = divmod(number, 10)
    return ("" if tens == 0 else "十" if tens == 1 else _CHINESE[tens] + "十") + (_CHINESE[units] if units else "")


def _natives(code: str) -> list[str]:
    """Return words of a language: its names of countries and of languages, those of dates not among them."""
    import babel

    locale = babel.Locale.parse(code)
    return sorted(
        {
            word
            for table in (locale.territories, locale.languages)
            for word in table.values()
            if word and not any(character.isdigit() for character in word)
        }
    ) or ["x"]

"""How a language writes dates: names, patterns and connecting words, from CLDR by way of babel, for training only."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dltools.errors import MissingError, UsageError
from dltools.models.dates import patterns
from dltools.models.dates.characters import fold
from dltools.models.dates.order import ORDERS, Order

if TYPE_CHECKING:
    import babel

#: The locales that the toolkit's own model is trained on; English and the languages of the issue first.
LOCALES = [
    "en",
    "en_GB",
    "de",
    "fr",
    "es",
    "it",
    "pt",
    "nl",
    "sv",
    "nb",
    "da",
    "pl",
    "cs",
    "ru",
    "uk",
    "tr",
    "el",
    "zh",
    "zh_Hant",
    "ja",
    "ko",
    "fi",
    "hu",
    "ro",
    "bg",
    "hr",
    "sr",
    "sr_Latn",
    "sk",
    "sl",
    "et",
    "lv",
    "lt",
    "ca",
    "gl",
    "eu",
    "be",
    "mk",
    "ka",
    "hy",
    "az",
    "kk",
    "uz",
    "is",
    "sq",
    "af",
    "vi",
    "th",
    "id",
    "ms",
    "fil",
    "hi",
    "bn",
    "mr",
    "ne",
    "ta",
    "te",
    "kn",
    "gu",
    "pa",
    "ur",
    "fa",
    "ar",
    "ar_SY",
    "ar_MA",
    "he",
    "sw",
    "de_AT",
    "es_MX",
    "fr_CA",
    "pt_PT",
]

#: Words between a date and a time of day, and before a date, by language: what CLDR's patterns do not have.
_AT: Mapping[str, str] = {
    "de": "um", "fr": "à|a|vers", "es": "a las|a la", "it": "alle|alle ore|ore", "pt": "às|as", "nl": "om", "sv": "kl.|kl|klockan",
    "nb": "kl.|kl", "da": "kl.|kl|klokken", "pl": "o|o godz.|godz.|o godzinie", "cs": "v|ve|v čase", "ru": "в|время", "uk": "о|в|об",
    "tr": "saat|saat:", "el": "στις|ώρα", "fi": "klo|kello", "hu": "kor", "ro": "la|la ora|ora", "bg": "в|от|часа", "hr": "u", "sk": "o",
    "sl": "ob", "et": "kell", "lv": "plkst.", "lt": "val.", "ca": "a les", "gl": "ás", "be": "у|ў", "vi": "lúc|vào lúc", "th": "เวลา|เมื่อ",
    "id": "pukul|jam", "ms": "pukul|jam", "fil": "sa|nang|alas", "hi": "को|बजे", "bn": "সময়", "ar": "الساعة|في|عند", "he": "בשעה|ב", "fa": "ساعت",
    "sr": "у", "sr_Latn": "u", "mk": "во", "is": "kl.", "af": "om", "zh": "于", "ka": "", "eu": "", "sq": "në",
}  # fmt: skip
_ON: Mapping[str, str] = {
    "de": "am|vom|den|der|datum:|seit|bis|ab|erstellt am|veröffentlicht am|geboren am", "fr": "le|du|au|date :|publié le|depuis le|né le|avant le|en date du",
    "es": "el|del|el día|fecha:|publicado el|desde el|hasta el|nacido el", "it": "il|del|dal|data:|pubblicato il|lì|entro il|nato il",
    "pt": "em|no dia|dia|data:|publicado em|desde|até|de", "nl": "op|datum:|geplaatst op|sinds|vanaf|tot", "sv": "den|datum:|publicerad|publicerat den|sedan|från",
    "nb": "den|dato:|publisert|fra", "da": "den|d.|dato:|udgivet|fra", "pl": "dnia|w dniu|data:|dodano|dodany|od|do|opublikowano",
    "cs": "dne|datum:|přidáno|od|do|vloženo", "ru": "дата:|добавлено|опубликовано|от|до|с|написано", "uk": "дата:|додано|опубліковано|від|до|з",
    "tr": "tarih:|tarihi:|yayın:|eklenme", "el": "στις|την|ημερομηνία:|δημοσιεύτηκε", "fi": "julkaistu|pvm:|päivänä", "hu": "dátum:|ezen:|közzétéve",
    "ro": "pe|din|data:|pe data de|la|publicat|postat", "bg": "на|от|дата:|публикувано", "hr": "dana|od|datum:|objavljeno", "sk": "dňa|dátum:|pridané", "sl": "dne|datum:",
    "ca": "el|del|dia|data:", "gl": "o|data:", "be": "дата:|ад", "vi": "ngày|vào ngày|ngày:|đăng ngày|hôm", "th": "วันที่|เมื่อ|เมื่อวันที่|โพสต์เมื่อ", "id": "tanggal|pada|tgl|pada tanggal|diposting",
    "ms": "pada|tarikh", "fil": "noong|ika-|petsa:|noong ika-", "hi": "दिनांक|तारीख:|तिथि", "bn": "তারিখ|তারিখ:", "ar": "في|يوم|بتاريخ|تاريخ:|منذ", "he": "ב|בתאריך|תאריך:|מיום",
    "fa": "تاریخ|در|روز", "zh": "日期:|日期：|发表于|发布于|于", "ja": "日付:|投稿日:|投稿日：|公開日", "ko": "날짜:|작성일|등록일:", "sr": "dana|датум:", "mk": "на|датум:", "is": "dags.", "lt": "data:|nuo", "lv": "datums:", "et": "kuupäev:",
}  # fmt: skip
_CLOCK: Mapping[str, str] = {
    "de": "Uhr", "fr": "heures|h", "es": "h|hs|hrs|horas", "pt": "h|hs|horas", "it": "h|ore", "nl": "uur|u", "ru": "ч.|часов|мск", "fi": "", "hu": "h|óra", "bg": "ч.|ч|часа", "cs": "h|hod.|hodin", "sk": "h|hod.", "ca": "h", "hi": "बजे", "th": "น.|น", "sl": "h", "hr": "h|sati", "vi": "giờ", "uk": "год.", "tr": "", "id": "WIB",
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Names:
    """What a locale calls months, days and halves of the day; every inner sequence holds the ways to say one thing.

    ``months``: by width 3 (abbreviated) and 4 (wide), then January first. ``days``: the same, Monday first. ``halves``:
    before and after noon. ``patterns``: of dates, and ``times``: of times of day, in CLDR's notation. ``joins``: with
    {1} for the date and {0} for the time. ``on``, ``at``, ``clock``: words before a date, before and after a time.
    """

    code: str
    months: Mapping[int, Sequence[Sequence[str]]]
    days: Mapping[int, Sequence[Sequence[str]]]
    halves: Sequence[Sequence[str]]
    patterns: Sequence[str]
    times: Sequence[str]
    joins: Sequence[str]
    on: Sequence[str]
    at: Sequence[str]
    clock: Sequence[str]
    alphabetic: bool


def names_of(code: str) -> Names:
    """Return what babel knows of the locale ``code``; raise :class:`UsageError` for one that it does not have.

    :class:`MissingError` if babel is not installed.
    """
    try:
        import babel
        import babel.localedata
    except ImportError as error:
        raise MissingError("training on dates needs babel; install it with: pip install 'dltools[train]'") from error
    # babel 2.18 merges what one locale says of stand-alone names into the root that all others inherit from.
    babel.localedata._cache.clear()
    try:
        locale = babel.Locale.parse(code)
    except (ValueError, babel.UnknownLocaleError) as error:
        raise UsageError(f"{code}: no such locale in CLDR") from error
    months = {3: _all(locale.months, "abbreviated", range(1, 13)), 4: _all(locale.months, "wide", range(1, 13))}
    alphabetic = not any(name[:1].isdigit() for name in months[4][4])
    if alphabetic:
        months[3] = _with_short(months[3], months[4])
    days = {3: _all(locale.days, "abbreviated", range(7)), 4: _all(locale.days, "wide", range(7))}
    if alphabetic:
        days[3] = _with_short(days[3], days[4])
    if code.startswith("en"):
        months[3][8] = [*months[3][8], "Sept", "Sept."]
        days[3][3] = [*days[3][3], "Thurs", "Thurs."]
    language = code if code in _ON or code in _AT else code.split("_")[0]
    return Names(
        code,
        months,
        days,
        _halves(locale),
        _date_patterns(locale),
        _time_patterns(locale),
        sorted({str(locale.datetime_formats[width]) for width in ("short", "medium", "long", "full")}),
        _words(_ON, language),
        _words(_AT, language),
        _words(_CLOCK, language),
        alphabetic,
    )


def number_order(code: str) -> Order:
    """Return the order in which the locale ``code`` writes a date in numbers."""
    import babel

    found = patterns.order(babel.Locale.parse(code).date_formats["short"].pattern)
    return next((each for each in ORDERS if each == found), "dmy")


def _words(table: Mapping[str, str], language: str) -> list[str]:
    return [word for word in table.get(language, "").split("|") if word]


def _all(contexts: Mapping[str, Any], width: str, numbers: range) -> list[list[str]]:
    """Return the names of each number in running text and alone, once each."""
    found = []
    for number in numbers:
        ways = [contexts[context][width][number] for context in ("format", "stand-alone")]
        found.append(sorted({way for way in ways if way}))
    return found


def _with_short(short: list[list[str]], wide: list[list[str]]) -> list[list[str]]:
    """Add what people also write: the first three or four letters where they are no other's, with and without a dot."""
    extended = []
    for number, ways in enumerate(short):
        others = {fold(way) for place, each in enumerate(wide) if place != number for way in each}
        forms = {form for way in ways for form in (way, way.rstrip("."), way.rstrip(".") + ".")}
        for way, length in itertools.product(wide[number], (3, 4)):
            start = way[:length]
            if len(way) > length and not any(other.startswith(fold(start)) for other in others):
                forms |= {start, start + "."}
        extended.append(sorted(forms))
    return extended


def _halves(locale: babel.Locale) -> list[list[str]]:
    found: list[set[str]] = [set(), set()]
    for widths in locale.day_periods.values():
        for periods in widths.values():
            for half, key in enumerate(("am", "pm")):
                if key in periods:
                    found[half].add(str(periods[key]))
    return [sorted(names) or [fallback] for names, fallback in zip(found, ("AM", "PM"), strict=True)]


def _plain(pattern: str) -> str:
    return pattern.replace("\u202f", " ").replace("\u200f", "").replace("\u200e", "").replace("\u061c", "")


def _date_patterns(locale: babel.Locale) -> list[str]:
    """Return the patterns that fix a day: of the four standard widths and of the skeletons, eras left out."""
    found = [value.pattern for value in locale.date_formats.values()]
    found += [value.pattern for value in locale.datetime_skeletons.values()]
    fixing = [pattern for pattern in map(_plain, found) if set("Md") <= _canonical(pattern)]
    return sorted({pattern for pattern in fixing if "G" not in patterns.letters(pattern)})


def _time_patterns(locale: babel.Locale) -> list[str]:
    found = {_plain(locale.time_formats[width].pattern) for width in ("short", "medium")}
    return sorted(pattern for pattern in found if set(patterns.letters(pattern)) <= set("HhKkmsa")) or ["HH:mm"]


def _canonical(pattern: str) -> set[str]:
    used = set(patterns.letters(pattern).replace("L", "M").replace("u", "y"))
    return used if "y" in used and not used & set("hHKkmsQwWY") else set()

"""Of which years the working days are known here, and so how somebody comes by a calendar."""

from ledger.common.phrases import Phrase


def known_years() -> set[int]:
    """The years whose working days the library has, as they were announced."""
    from chinese_calendar.constants import holidays

    return {day.year for day in holidays}


def how_to_publish(year: int) -> Phrase:
    """What to do for the calendar of a year: the command writes no year that was not announced."""
    known = known_years()
    if year in known:
        return Phrase("Publish a calendar that covers it: `ledger policies calendar {year}` writes "
                      "one.", year=year)
    return Phrase("The working days of {year} are not announced yet, as far as is known here: copy "
                  "what `ledger policies calendar {last}` writes, give it the days of {year}, and "
                  "publish the official ones once they are there.", year=year, last=max(known))

"""Seconds since 1970 and calendar dates, without time zones (the unix port's own functions know some)."""


def split(seconds):
    """(year, month, day, hour, minute, second, weekday, yearday) of seconds since 1970."""
    days, rest = divmod(seconds, 86400)
    # Civil date from days, counted in eras of 400 years that begin on a 1st of March (Howard Hinnant).
    era, day = divmod(days + 719468, 146097)
    year = (day - day // 1460 + day // 36524 - day // 146096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    day -= (153 * month + 2) // 5
    month += 3 if month < 10 else -9
    year += era * 400 + (1 if month <= 2 else 0)
    yearday = days - join((year, 1, 1, 0, 0, 0)) // 86400 + 1
    return year, month, day + 1, rest // 3600, rest // 60 % 60, rest % 60, (days + 3) % 7, yearday


def join(parts):
    """Seconds since 1970 of (year, month, day, hour, minute, second, ...)."""
    year, month, day, hour, minute, second = parts[:6]
    if month <= 2:
        year -= 1
    era, year = divmod(year, 400)
    month += -3 if month > 2 else 9
    days = era * 146097 + year * 365 + year // 4 - year // 100 + (153 * month + 2) // 5 + day - 1 - 719468
    return days * 86400 + hour * 3600 + minute * 60 + second

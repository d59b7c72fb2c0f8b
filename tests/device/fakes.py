"""Stand-ins that many tests hand to what they test."""

import asyncio


class Flash:
    """Records in memory, as lib/flash.py has them."""

    def __init__(self, **kept):
        self.kept = kept
        self.changing = asyncio.Lock()

    def load(self, name):
        return self.kept.get(name)

    async def save(self, name, secret, bulk=b""):
        self.kept[name] = (secret, bulk)

    async def erase(self, name):
        self.kept.pop(name, None)

    async def erase_all(self, names):
        for name in names:
            self.kept.pop(name, None)


class Group:
    """Anything with these attributes: settings, a hand, the head."""

    def __init__(self, **fields):
        for name in fields:
            setattr(self, name, fields[name])

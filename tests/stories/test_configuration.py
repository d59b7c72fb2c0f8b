"""Settings by a phone: the stories of `candidates`, which take longest, and `configuring`, told at the same time."""

from tests.stories import candidates, configuring
from tests.stories.telling import tell_all

told, test_story = tell_all(vars(candidates), vars(configuring))
